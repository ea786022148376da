import { VaultError } from "./errors.js";

/** Narrows a JSON answer to an object, so that a stranger on the port is told apart from a vault. */
export function objectAnswer(answer: unknown): Record<string, unknown> {
  if (typeof answer !== "object" || answer === null || Array.isArray(answer)) throw unexpectedAnswer();
  return answer as Record<string, unknown>;
}

export function arrayAnswer(answer: unknown): unknown[] {
  if (!Array.isArray(answer)) throw unexpectedAnswer();
  return answer as unknown[];
}

/** A field that must be a string. */
export function stringField(answer: unknown, field: string): string {
  const value = objectAnswer(answer)[field];
  if (typeof value !== "string") throw unexpectedAnswer();
  return value;
}

/** Fields that may be absent, but are strings when they are there. */
export function optionalStringFields(answer: unknown, ...fields: readonly string[]): void {
  const object = objectAnswer(answer);
  for (const field of fields) {
    const value = object[field];
    if (value !== undefined && value !== null && typeof value !== "string") throw unexpectedAnswer();
  }
}

/** A field that may be absent, but is a list of strings when it is there. */
export function optionalStringListField(answer: unknown, field: string): void {
  const value = objectAnswer(answer)[field];
  if (value === undefined || value === null) return;
  if (arrayAnswer(value).some((item) => typeof item !== "string")) throw unexpectedAnswer();
}

/** A field that must be a number. */
export function numberField(answer: unknown, field: string): number {
  const value = objectAnswer(answer)[field];
  if (typeof value !== "number") throw unexpectedAnswer();
  return value;
}

/** A field that must be true or false. */
export function booleanField(answer: unknown, field: string): boolean {
  const value = objectAnswer(answer)[field];
  if (typeof value !== "boolean") throw unexpectedAnswer();
  return value;
}

/** A field that may be absent, but is a number when it is there. */
export function optionalNumberField(answer: unknown, field: string): void {
  const value = objectAnswer(answer)[field];
  if (value !== undefined && value !== null && typeof value !== "number") throw unexpectedAnswer();
}

/** The error for what no vault-server answers. */
export function unexpectedAnswer(): VaultError {
  return new VaultError(0, "invalid_answer", "the answer is not one of a vault-server");
}
