import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { ENTRY_LIMITS } from "./audit-limits.js";

/** In which a caller says what a call is for. */
export const JUSTIFICATION_HEADER = "x-vault-justification";

/** Header fields by lower-case name, as Node and the Fetch API give them. */
export type HeaderFields = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * What a caller says a request is for; undefined if it says nothing. In a header it is UTF-8.
 *
 * @throws {VaultProxyError} `invalid_request` if it has over 500 characters
 */
export function justificationOf(headers: HeaderFields): string | undefined {
  const value = headers[JUSTIFICATION_HEADER];
  if (value === undefined) return undefined;
  const text = utf8Of(typeof value === "string" ? value : value.join(", ")).trim();
  if (text === "") return undefined;
  return boundedJustification(text, "X-Vault-Justification");
}

/** The text, where it is no header's. @throws {VaultProxyError} `invalid_request` that names the field */
export function boundedJustification(text: string, field: string): string {
  if (Array.from(text).length <= ENTRY_LIMITS.justification) return text;
  throw new VaultProxyError(
    "invalid_request",
    `${field}: must have at most ${ENTRY_LIMITS.justification} characters`,
  );
}

/** Field values come as Latin-1, one character a byte. */
function utf8Of(value: string): string {
  const decoded = Buffer.from(value, "latin1").toString("utf8");
  return decoded.includes("\ufffd") ? value : decoded;
}
