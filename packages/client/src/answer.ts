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

function unexpectedAnswer(): VaultError {
  return new VaultError(0, "invalid_answer", "the answer is not one of a vault-server");
}
