import { Secret } from "../redaction/secret.js";
import { VAULT_FILE_LIMITS } from "./vault-file-limits.js";

/*
 * A record is JSON data that may hold a Secret at any depth. A Secret is written as {"$secret": "<value>"}. Every
 * other property name that begins with "$" gets one more "$", so no plain object can be taken for a secret.
 */

const SECRET_KEY = "$secret";
const ESCAPE = "$";

/** The record's JSON text. It holds the secrets in clear and must only ever be sealed. */
export function encodeRecord(record: object): string {
  return JSON.stringify(toStorable(record, 0));
}

/**
 * The record of a value that `JSON.parse` gave, deeply frozen. Takes the value over.
 *
 * @throws {TypeError} for a value that {@link encodeRecord} would not write.
 */
export function decodeRecord(json: unknown): object {
  const record = fromStorable(json, 0);
  if (typeof record !== "object" || record === null || Array.isArray(record) || record instanceof Secret) {
    throw new TypeError("a record is an object with members");
  }
  return record;
}

/** Freezes a record deeply, so that a change in place fails loudly instead of being lost at the next restart. */
export function freezeRecord(value: unknown): void {
  if (typeof value !== "object" || value === null || value instanceof Secret) return;
  Object.freeze(value);
  for (const item of Object.values(value)) freezeRecord(item);
}

function toStorable(value: unknown, depth: number): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (typeof value !== "object") throw new TypeError(`a record cannot hold a ${typeof value}`);
  if (value instanceof Secret) return { [SECRET_KEY]: value.reveal() };
  assertDepth(depth);
  if (Array.isArray(value)) return value.map((item) => toStorable(item, depth + 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null)
    throw new TypeError("a record holds plain objects only");
  const properties: [string, unknown][] = [];
  for (const [key, item] of Object.entries(value)) {
    if (item !== undefined) properties.push([escapeKey(key), toStorable(item, depth + 1)]);
  }
  // fromEntries defines properties, so that a key of "__proto__" stays a key.
  return Object.fromEntries(properties);
}

// In place where it can: an unlock reads tens of thousands of records, and copies would double its time.
function fromStorable(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  assertDepth(depth);
  const keys = Object.keys(value);
  const items = value as Record<string, unknown>;
  const [onlyKey] = keys;
  if (keys.length === 1 && onlyKey === SECRET_KEY && typeof items[onlyKey] === "string") {
    return new Secret(items[onlyKey]);
  }
  if (keys.some((key) => key.startsWith(ESCAPE))) {
    const entries = keys.map((key) => [unescapeKey(key), fromStorable(items[key], depth + 1)]);
    return Object.freeze(Object.fromEntries(entries));
  }
  for (const key of keys) {
    const item = items[key];
    // Each key is the object's own property, "__proto__" too, so that this sets no prototype.
    if (typeof item === "object" && item !== null) items[key] = fromStorable(item, depth + 1);
  }
  return Object.freeze(value);
}

function escapeKey(key: string): string {
  return key.startsWith(ESCAPE) ? ESCAPE + key : key;
}

function unescapeKey(key: string): string {
  if (!key.startsWith(ESCAPE)) return key;
  if (!key.startsWith(ESCAPE + ESCAPE)) throw new TypeError("a record has an unknown marker");
  return key.slice(1);
}

function assertDepth(depth: number): void {
  if (depth >= VAULT_FILE_LIMITS.recordDepth) throw new TypeError("a record is nested too deeply");
}
