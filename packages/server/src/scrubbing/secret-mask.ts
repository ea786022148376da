import { createHmac } from "node:crypto";
import { secretForms } from "./secret-forms.js";
import type { SearchedSecret } from "./secret-matcher.js";

const KEY_BYTES = 32;
/** Bytes of a pattern's start that its hash is of; shorter patterns are left out. */
const WINDOW_BYTES = 8;
const MASKED = "***";

/**
 * Overwrites the secrets of all services in texts that are kept. Built for tens of thousands of secrets that change one at
 * a time, and for short texts: an update costs as much as that service's secrets, a text as much as it is long.
 */
export interface SecretMask {
  /** Replaces what is searched for on behalf of this service. */
  update(service: string, secrets: readonly SearchedSecret[]): void;
  remove(service: string): void;
  /** Forgets everything; to be called when the vault is locked. */
  clear(): void;
  /** The text with each secret in it, as it is or encoded as callers commonly do, overwritten by `***`. */
  mask(text: string): string;
}

/** One form of a secret, without the secret. */
interface Pattern {
  readonly start: number;
  readonly length: number;
  readonly digest: string;
}

/** No secret is kept: a pattern is its length, a hash of its start, and a keyed digest (HMAC-SHA-256) that decides. */
export function createSecretMask(randomBytes: (size: number) => Buffer): SecretMask {
  const key = randomBytes(KEY_BYTES);
  const hash = drawHash(randomBytes);
  const byService = new Map<string, readonly Pattern[]>();
  /** How many services have a pattern. */
  const owners = new Map<string, number>();
  /** The lengths of the patterns that begin so, and how many of each there are. */
  const lengthsOfStart = new Map<number, Map<number, number>>();

  const digestOf = (bytes: Uint8Array): string => createHmac("sha256", key).update(bytes).digest("base64");

  function claim(form: Buffer): Pattern {
    const pattern = { start: hash.first(form, 0), length: form.length, digest: digestOf(form) };
    const count = owners.get(pattern.digest) ?? 0;
    owners.set(pattern.digest, count + 1);
    if (count > 0) return pattern;
    const lengths = lengthsOfStart.get(pattern.start) ?? new Map<number, number>();
    lengths.set(pattern.length, (lengths.get(pattern.length) ?? 0) + 1);
    lengthsOfStart.set(pattern.start, lengths);
    return pattern;
  }

  function release({ start, length, digest }: Pattern): void {
    const count = (owners.get(digest) ?? 0) - 1;
    if (count > 0) {
      owners.set(digest, count);
      return;
    }
    owners.delete(digest);
    const lengths = lengthsOfStart.get(start);
    const same = (lengths?.get(length) ?? 0) - 1;
    if (same > 0) lengths?.set(length, same);
    else lengths?.delete(length);
    if (lengths?.size === 0) lengthsOfStart.delete(start);
  }

  /** The end of the longest secret that begins there; 0 if none does. */
  function endOfSecret(bytes: Buffer, at: number, lengths: ReadonlyMap<number, number>): number {
    let end = 0;
    for (const length of lengths.keys()) {
      const candidate = at + length;
      if (candidate > bytes.length || candidate <= end) continue;
      if (owners.has(digestOf(bytes.subarray(at, candidate)))) end = candidate;
    }
    return end;
  }

  function masked(text: string): string {
    const bytes = Buffer.from(text);
    const pieces: string[] = [];
    let keptFrom = 0;
    let maskedTo = -1;
    let window = hash.first(bytes, 0);
    for (let at = 0; at + WINDOW_BYTES <= bytes.length; at += 1) {
      if (at > 0) window = hash.next(window, bytes, at);
      const lengths = lengthsOfStart.get(window);
      const end = lengths === undefined ? 0 : endOfSecret(bytes, at, lengths);
      if (end === 0 || end <= maskedTo) continue;
      // What begins in one that is masked already makes that one longer.
      if (at > maskedTo) pieces.push(bytes.toString("utf8", keptFrom, at), MASKED);
      maskedTo = end;
      keptFrom = end;
    }
    return pieces.length === 0 ? text : pieces.join("") + bytes.toString("utf8", keptFrom);
  }

  const replace = (service: string, patterns: readonly Pattern[]): void => {
    const former = byService.get(service) ?? [];
    if (patterns.length > 0) byService.set(service, patterns);
    else byService.delete(service);
    former.forEach(release);
  };

  return {
    update(service, secrets) {
      const patterns: Pattern[] = [];
      for (const { secret, forms = "common" } of secrets) {
        for (const form of secretForms(secret.reveal(), forms === "all" ? "common" : forms)) {
          if (form.length >= WINDOW_BYTES) patterns.push(claim(form));
          form.fill(0);
        }
      }
      replace(service, patterns);
    },
    remove: (service) => replace(service, []),
    clear() {
      for (const map of [byService, owners, lengthsOfStart]) map.clear();
    },
    mask: (text) => (text.length < WINDOW_BYTES || owners.size === 0 ? text : masked(text)),
  };
}

interface RollingHash {
  /** Of the window at `at`, which may be cut short by the end of the bytes. */
  first(bytes: Uint8Array, at: number): number;
  /** Of the window at `at`, from that of the window one byte before. */
  next(previous: number, bytes: Uint8Array, at: number): number;
}

/** A polynomial in a random odd base, modulo 2³²: who chooses texts cannot choose collisions. */
function drawHash(randomBytes: (size: number) => Buffer): RollingHash {
  const base = randomBytes(4).readUInt32LE() | 1;
  let highest = 1;
  for (let power = 1; power < WINDOW_BYTES; power += 1) highest = Math.imul(highest, base);
  return {
    first(bytes, at) {
      let value = 0;
      for (let index = at; index < at + WINDOW_BYTES; index += 1) {
        value = (Math.imul(value, base) + (bytes[index] ?? 0)) | 0;
      }
      return value;
    },
    next(previous, bytes, at) {
      const without = previous - Math.imul(bytes[at - 1] ?? 0, highest);
      return (Math.imul(without, base) + (bytes[at + WINDOW_BYTES - 1] ?? 0)) | 0;
    },
  };
}
