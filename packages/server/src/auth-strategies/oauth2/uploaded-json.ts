import { sizeText } from "../../errors/size-text.js";
import { VaultProxyError } from "../../errors/vault-proxy-error.js";

/** Limits of an uploaded file that holds OAuth2 settings. */
const LIMITS = {
  /** Google's own files have about 500 bytes. */
  fileBytes: 64 * 1024,
  /** Characters of one value. */
  valueCharacters: 8_192,
} as const;

export type JsonObject = Readonly<Record<string, unknown>>;

/** Makes the refusal of a file, which says whose field it is and names the part; it repeats no value. */
export type RefuseFile = (reason: string, cause?: unknown) => VaultProxyError;

/** @param field the field of the request that names the file: every message begins with it */
export function refusalOf(field: string): RefuseFile {
  return (reason, cause) => new VaultProxyError("invalid_request", `${field}: ${reason}`, { cause });
}

/**
 * Reads an uploaded file as a JSON object.
 * @throws VaultProxyError `invalid_request`
 */
export function parseUploadedObject(bytes: Uint8Array, refuse: RefuseFile): JsonObject {
  if (bytes.byteLength > LIMITS.fileBytes) throw refuse(`is larger than ${sizeText(LIMITS.fileBytes)}`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    // The parser's own message quotes the file.
    throw refuse("is not JSON");
  }
  if (!isObject(parsed)) throw refuse("must hold a JSON object");
  return parsed;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * A value of visible ASCII and spaces, as RFC 6749 appendix A has them.
 * @param path how the message names it, such as `installed.client_id`
 * @returns undefined if it is absent or null
 * @throws VaultProxyError `invalid_request`
 */
export function optionalText(
  from: JsonObject,
  name: string,
  path: string,
  refuse: RefuseFile,
): string | undefined {
  const value = Object.hasOwn(from, name) ? from[name] : undefined;
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string") throw refuse(`${path} must be a string`);
  if (value === "") throw refuse(`${path} must not be empty`);
  if (value.length > LIMITS.valueCharacters) throw refuse(`${path} is too long`);
  if (!/^[\x20-\x7e]*$/.test(value)) throw refuse(`${path} holds characters that are not allowed in it`);
  return value;
}

/** As {@link optionalText}, but it must be there. */
export function requiredText(from: JsonObject, name: string, path: string, refuse: RefuseFile): string {
  const value = optionalText(from, name, path, refuse);
  if (value === undefined) throw refuse(`${path} is missing`);
  return value;
}
