import { z } from "@hono/zod-openapi";
import { Secret } from "../redaction/secret.js";

/** RFC 9110 §5.6.2 `token`. */
const FIELD_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** RFC 9110 §5.5 `field-value`: visible ASCII, obs-text, and SP or HTAB inside only. */
const FIELD_VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;

const MAX_NAME_LENGTH = 256;
const MAX_VALUE_LENGTH = 16_384;

/** Fields that frame the message or belong to one connection (RFC 9110 §7.6.1); the proxy alone sets these. */
const RESERVED_NAMES: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** A header field name that a service may set. */
export const headerNameSchema = z
  .string()
  .min(1)
  .max(MAX_NAME_LENGTH)
  .regex(FIELD_NAME, "is not a legal HTTP header name")
  .refine((name) => !RESERVED_NAMES.has(canonical(name)), "names a header that the proxy sets itself")
  .refine((name) => !canonical(name).startsWith("x-vault-"), "names a header of the vault itself");

function canonical(name: string): string {
  return name.toLowerCase().replaceAll("_", "-");
}

/** A header field value that is no secret. */
export const headerValueSchema = z
  .string()
  .max(MAX_VALUE_LENGTH)
  .regex(
    FIELD_VALUE,
    "is not a legal HTTP header value (control or non-Latin characters, or white space at an end)",
  );

/** A secret sent as a header field value, or as a part of one. Not empty. */
export const secretHeaderValueSchema = headerValueSchema.min(1).transform((value) => new Secret(value));

/** Refuses two names that are one to an upstream: letter case and `_` for `-` make no difference. */
export function namesAreDistinct(names: readonly string[]): boolean {
  return new Set(names.map(canonical)).size === names.length;
}
