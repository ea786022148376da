import { createHmacSha256 } from "../redaction/hmac-sha256.js";
import { addHash, createHashFilter, mayHoldHash } from "./hash-filter.js";
import { secretForms } from "./secret-forms.js";
import type { SearchedSecret } from "./secret-matcher.js";

const KEY_BYTES = 32;
/** Bytes of a pattern's start that its hash is of; shorter patterns are left out. */
const WINDOW_BYTES = 8;
const MASKED = "***";
/**
 * Starts that the filter has room for at first; it doubles. Every byte of a text looks somewhere else into it: a filter larger
 * than the processor's nearest cache makes that, and whatever was in the cache, cost four times as much.
 */
const FIRST_FILTERED_STARTS = 64;
/** Changes of services whose former secrets are masked on: what was called with them may be recorded only now. */
const KEPT_CHANGES = 256;
/** Longer texts get memory of their own. */
const USUAL_BYTES = 4 * 1024;
/** UTF-8 of a UTF-16 unit. */
const MOST_BYTES_OF_UNIT = 3;

/**
 * Overwrites the secrets of all services in texts that are kept. Built for tens of thousands of secrets that change one at
 * a time, and for short texts: an update costs as much as that service's secrets, a text as much as it is long.
 */
export interface SecretMask {
  /** Replaces what is searched for on behalf of this service. The secrets of the latest changes are masked on. */
  update(service: string, secrets: readonly SearchedSecret[]): void;
  /** Of a service that is gone, whose secrets are masked on as after any other change. */
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

/** How many patterns with the same start have this length. */
interface LengthCount {
  readonly length: number;
  count: number;
}

/** No secret is kept: a pattern is its length, a hash of its start, and a keyed digest (HMAC-SHA-256) that decides. */
export function createSecretMask(randomBytes: (size: number) => Buffer): SecretMask {
  const hmac = createHmacSha256(randomBytes(KEY_BYTES));
  const hash = drawHash(randomBytes);
  const byService = new Map<string, readonly Pattern[]>();
  /** What the latest changes took from services, the oldest first. */
  let former: (readonly Pattern[])[] = [];
  /** How many services have a pattern. */
  const owners = new Map<string, number>();
  /** Few, whatever many secrets begin alike: so a text costs no more digests than there are lengths. */
  const lengthsOfStart = new Map<number, LengthCount[]>();
  /** Of all starts, and of some that are gone, which cost a look into the map. */
  let starts = createHashFilter(FIRST_FILTERED_STARTS);
  let filteredStarts = FIRST_FILTERED_STARTS;
  const usualBytes = Buffer.alloc(USUAL_BYTES);

  function claim(form: Buffer): Pattern {
    const pattern = { start: hash.first(form, 0), length: form.length, digest: hmac.digest(form) };
    const count = owners.get(pattern.digest) ?? 0;
    owners.set(pattern.digest, count + 1);
    if (count > 0) return pattern;
    const lengths = lengthsOfStart.get(pattern.start);
    const same = lengths?.find(({ length }) => length === pattern.length);
    if (same !== undefined) same.count += 1;
    else if (lengths !== undefined) lengths.push({ length: pattern.length, count: 1 });
    else {
      lengthsOfStart.set(pattern.start, [{ length: pattern.length, count: 1 }]);
      filterStart(pattern.start);
    }
    return pattern;
  }

  function filterStart(start: number): void {
    if (lengthsOfStart.size <= filteredStarts) {
      addHash(starts, start);
      return;
    }
    filteredStarts *= 2;
    starts = createHashFilter(filteredStarts);
    for (const each of lengthsOfStart.keys()) addHash(starts, each);
  }

  function release({ start, length, digest }: Pattern): void {
    const count = (owners.get(digest) ?? 0) - 1;
    if (count > 0) {
      owners.set(digest, count);
      return;
    }
    owners.delete(digest);
    const lengths = lengthsOfStart.get(start) ?? [];
    const at = lengths.findIndex((each) => each.length === length);
    const same = lengths[at];
    if (same === undefined) return;
    same.count -= 1;
    if (same.count === 0) lengths.splice(at, 1);
    if (lengths.length === 0) lengthsOfStart.delete(start);
  }

  /** The end of the longest secret that begins there; 0 if none does. */
  function endOfSecret(bytes: Buffer, at: number, size: number, lengths: readonly LengthCount[]): number {
    let end = 0;
    for (const { length } of lengths) {
      const candidate = at + length;
      if (candidate > size || candidate <= end) continue;
      if (owners.has(hmac.digest(bytes.subarray(at, candidate)))) end = candidate;
    }
    return end;
  }

  function masked(text: string): string {
    const isUsual = text.length * MOST_BYTES_OF_UNIT <= USUAL_BYTES;
    const bytes = isUsual ? usualBytes : Buffer.from(text);
    const size = isUsual ? bytes.write(text, "utf8") : bytes.length;
    const pieces: string[] = [];
    let keptFrom = 0;
    let maskedTo = -1;
    let window = hash.first(bytes, 0);
    for (let at = 0; at + WINDOW_BYTES <= size; at += 1) {
      if (at > 0) window = hash.next(window, bytes, at);
      if (!mayHoldHash(starts, window)) continue;
      const lengths = lengthsOfStart.get(window);
      const end = lengths === undefined ? 0 : endOfSecret(bytes, at, size, lengths);
      if (end === 0 || end <= maskedTo) continue;
      // What begins in one that is masked already makes that one longer.
      if (at > maskedTo) pieces.push(bytes.toString("utf8", keptFrom, at), MASKED);
      maskedTo = end;
      keptFrom = end;
    }
    return pieces.length === 0 ? text : pieces.join("") + bytes.toString("utf8", keptFrom, size);
  }

  const replace = (service: string, patterns: readonly Pattern[]): void => {
    const before = byService.get(service) ?? [];
    if (patterns.length > 0) byService.set(service, patterns);
    else byService.delete(service);
    const still = new Set(patterns.map(({ digest }) => digest));
    const gone = before.filter(({ digest }) => !still.has(digest));
    before.filter(({ digest }) => still.has(digest)).forEach(release);
    if (gone.length > 0) former.push(gone);
    if (former.length > KEPT_CHANGES) former.shift()?.forEach(release);
  };

  return {
    update(service, secrets) {
      const patterns: Pattern[] = [];
      for (const { secret, forms } of secrets) {
        for (const form of secretForms(secret.reveal(), forms === "base64" ? forms : "kept")) {
          if (form.length >= WINDOW_BYTES) patterns.push(claim(form));
          form.fill(0);
        }
      }
      replace(service, patterns);
    },
    remove: (service) => replace(service, []),
    clear() {
      for (const map of [byService, owners, lengthsOfStart]) map.clear();
      former = [];
      starts = createHashFilter(FIRST_FILTERED_STARTS);
      filteredStarts = FIRST_FILTERED_STARTS;
      usualBytes.fill(0);
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
