import { RenamedFieldError } from "./failures.js";

/** Between what is wrong with one field and with the next. */
const NEXT_FIELD = /; (?=[a-zA-Z_][a-zA-Z0-9_.-]*: )/;
const FIELD = /^([a-zA-Z0-9_.-]+): (.*)$/s;

/**
 * The vault's refusal of fields, told by what the user wrote for them.
 *
 * @param nameOf undefined for a field that the user did not write
 * @returns the error itself where it names no field that was written
 */
export function inNamesOf(error: unknown, nameOf: (field: string) => string | undefined): unknown {
  if (!(error instanceof Error) || !("code" in error) || error.code !== "invalid_request") return error;
  const parts = error.message.split(NEXT_FIELD);
  const told = parts.map((part) => {
    const [, field, reason = ""] = FIELD.exec(part) ?? [];
    const name = field === undefined ? undefined : nameOf(field);
    if (name === undefined) return part;
    // The hint says what allows it.
    return `${name}: ${reason.replace("plain http needs allow_private", "plain http is not allowed")}`;
  });
  return told.some((part, at) => part !== parts[at]) ? new RenamedFieldError(told.join("; "), error) : error;
}
