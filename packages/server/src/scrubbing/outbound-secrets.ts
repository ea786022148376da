import { createHmac } from "node:crypto";
import type { Secret } from "../redaction/secret.js";
import { addHash, createHashFilter, type HashFilter } from "./hash-filter.js";
import { outboundForms } from "./outbound-forms.js";
import {
  drawOutboundHash,
  endBlockHashes,
  hashAt,
  type OutboundHash,
  type SeenBytes,
} from "./outbound-hash.js";
import { BLOCK_BYTES, TAIL_BYTES } from "./outbound-limits.js";

const KEY_BYTES = 32;
const HASHES_PER_PATTERN = BLOCK_BYTES + 1;
/** Odd, so that no bit of a length is lost. */
const LENGTH_FACTOR = 0x9e3779b1;
const NOTHING = Buffer.alloc(0);

/**
 * Tells a secret, in whatever form, from others, and nothing else of it: a positive number, the same in every process
 * that was given the same key.
 */
export type SecretIdentity = number;

/** Of a keyed digest: of ten thousand secrets two share them in one vault of five million. */
const IDENTITY_BYTES = 6;

/** Which secrets may not be sent to which service. */
export interface OutboundSecrets {
  /**
   * Replaces what is searched for on behalf of this service.
   *
   * Give **generated** secrets only: keys and tokens, never a password or anything else that a person may have
   * chosen. A caller learns from the refusal that what it sent is a secret of the vault, so whatever is searched for
   * can be guessed at. For the same reason anything under 20 characters is left out here. Give a private key, not a
   * document around it, whose end others share.
   */
  update(service: string, secrets: readonly { readonly value: Secret }[]): void;
  remove(service: string): void;
  /** Forgets everything; to be called when the vault is locked. */
  clear(): void;
  /** Whether there is anything to search for in a call to this service. */
  hasForeign(calledService: string): boolean;

  readonly hash: OutboundHash;
  /**
   * Holds the tails of all patterns and their end blocks. Another one after some changes: to be asked for anew for
   * each chunk.
   */
  readonly filter: HashFilter;
  /** Bytes of the longest pattern since the last `clear`. */
  readonly reach: number;
  /** Whether some pattern has this tail; rules out what passes the filter by chance. */
  hasTail(tail: number): boolean;
  /** The secret that ends exactly where `seen` ends, if the called service does not have it itself. */
  foreignEnd(tail: number, seen: SeenBytes, calledService: string): SecretIdentity | undefined;
}

/** One form of a secret, without the secret. */
interface Pattern {
  readonly length: number;
  readonly tail: number;
  readonly probe: number;
  readonly blocks: readonly number[];
  readonly digest: string;
  readonly identity: SecretIdentity;
  /** The services that have it: nearly always one, for which a Set would be large. */
  readonly owners: string[];
}

/** How many patterns of this length have a tail. */
interface LengthCount {
  readonly length: number;
  count: number;
}

/**
 * Makes an empty index. Built for tens of thousands of secrets that change one at a time: an update costs as much as
 * that service's secrets, whatever the others have.
 *
 * No secret is kept: a pattern is its length, a few hashes of its end and middle, and a keyed digest (HMAC-SHA-256)
 * that decides. So the time a comparison takes tells nothing about how much of a guess is right, and there is nothing
 * to wipe that could be read.
 */
export function createOutboundSecrets(randomBytes: (size: number) => Buffer): OutboundSecrets {
  const key = randomBytes(KEY_BYTES);
  const hash = drawOutboundHash(randomBytes);
  const byService = new Map<string, readonly Pattern[]>();
  const byDigest = new Map<string, Pattern>();
  /** All that is needed to know which digests to make at a tail. */
  const lengthsOfTail = new Map<number, LengthCount[]>();
  /** How many patterns have a probe. An end that everybody knows costs no digest each time it is sent. */
  const probes = new Map<number, number>();
  let filter = createHashFilter(0);
  let filterCapacity = 0;
  let removedSinceFilter = 0;
  let reach = 0;

  /** @param identity of the secret; undefined if none of its forms was claimed before */
  function claim(form: Buffer, service: string, identity: SecretIdentity | undefined): Pattern {
    const seen = { before: NOTHING, now: form, end: form.length };
    const digest = digestOfEnd(key, seen, form.length);
    const known = byDigest.get(digest);
    if (known !== undefined) {
      if (!known.owners.includes(service)) known.owners.push(service);
      return known;
    }
    const tail = hashAt(hash, seen, form.length - TAIL_BYTES);
    const pattern: Pattern = {
      length: form.length,
      tail,
      probe: probeOf(hash, seen, form.length, tail),
      blocks: endBlockHashes(hash, form),
      digest,
      identity: identity ?? identityOf(digest),
      owners: [service],
    };
    insert(pattern);
    return pattern;
  }

  function insert(pattern: Pattern): void {
    byDigest.set(pattern.digest, pattern);
    probes.set(pattern.probe, (probes.get(pattern.probe) ?? 0) + 1);
    reach = Math.max(reach, pattern.length);
    const lengths = lengthsOfTail.get(pattern.tail);
    const same = lengths?.find(({ length }) => length === pattern.length);
    if (same !== undefined) same.count += 1;
    else if (lengths !== undefined) lengths.push({ length: pattern.length, count: 1 });
    else lengthsOfTail.set(pattern.tail, [{ length: pattern.length, count: 1 }]);
    if (byDigest.size > filterCapacity) rebuildFilter();
    else addToFilter(pattern);
  }

  function release(pattern: Pattern, service: string): void {
    pattern.owners.splice(pattern.owners.indexOf(service), 1);
    if (pattern.owners.length > 0) return;
    byDigest.delete(pattern.digest);
    const probeCount = (probes.get(pattern.probe) ?? 0) - 1;
    if (probeCount > 0) probes.set(pattern.probe, probeCount);
    else probes.delete(pattern.probe);
    releaseLength(pattern);
    // Others may use the same bits, so bits are taken back all at once, when many are stale.
    removedSinceFilter += 1;
    if (removedSinceFilter > filterCapacity) rebuildFilter();
  }

  function releaseLength({ tail, length }: Pattern): void {
    const lengths = lengthsOfTail.get(tail) ?? [];
    const same = lengths.find((entry) => entry.length === length);
    if (same === undefined) return;
    same.count -= 1;
    if (same.count > 0) return;
    lengths.splice(lengths.indexOf(same), 1);
    if (lengths.length === 0) lengthsOfTail.delete(tail);
  }

  function addToFilter({ tail, blocks }: Pattern): void {
    addHash(filter, tail);
    for (const block of blocks) addHash(filter, block);
  }

  function rebuildFilter(): void {
    filterCapacity = byDigest.size * 2;
    removedSinceFilter = 0;
    filter = createHashFilter(filterCapacity * HASHES_PER_PATTERN);
    for (const pattern of byDigest.values()) addToFilter(pattern);
  }

  /** The new ones are claimed first, so that what a service keeps is never taken out and put in again. */
  function replace(service: string, patterns: ReadonlySet<Pattern>): void {
    for (const former of byService.get(service) ?? []) if (!patterns.has(former)) release(former, service);
    if (patterns.size > 0) byService.set(service, [...patterns]);
    else byService.delete(service);
  }

  return {
    update(service, secrets) {
      const patterns = new Set<Pattern>();
      for (const { value } of secrets) {
        let identity: SecretIdentity | undefined;
        for (const form of outboundForms(value.reveal())) {
          const pattern = claim(form, service, identity);
          identity ??= pattern.identity;
          patterns.add(pattern);
          form.fill(0);
        }
      }
      replace(service, patterns);
    },
    remove: (service) => replace(service, new Set()),
    clear() {
      for (const map of [byService, byDigest, lengthsOfTail, probes]) map.clear();
      rebuildFilter();
      reach = 0;
    },
    hasForeign: (calledService) => byService.size > (byService.has(calledService) ? 1 : 0),
    hash,
    get filter() {
      return filter;
    },
    get reach() {
      return reach;
    },
    hasTail: (tail) => lengthsOfTail.has(tail),
    foreignEnd(tail, seen, calledService) {
      const available = seen.before.length + seen.end;
      for (const { length } of lengthsOfTail.get(tail) ?? []) {
        if (length > available || !probes.has(probeOf(hash, seen, length, tail))) continue;
        const pattern = byDigest.get(digestOfEnd(key, seen, length));
        if (pattern !== undefined && !pattern.owners.includes(calledService)) return pattern.identity;
      }
      return undefined;
    },
  };
}

/** Tail, length, and what stands in the middle of the last `length` bytes, in 32 bits. */
function probeOf(hash: OutboundHash, seen: SeenBytes, length: number, tail: number): number {
  const start = seen.before.length + seen.end - length;
  const middle = hashAt(hash, seen, start + ((length - TAIL_BYTES) >>> 1));
  return Math.imul(middle ^ Math.imul(length, LENGTH_FACTOR), LENGTH_FACTOR) ^ tail;
}

function identityOf(digest: string): SecretIdentity {
  return Buffer.from(digest, "binary").readUIntBE(0, IDENTITY_BYTES) + 1;
}

function digestOfEnd(key: Buffer, { before, now, end }: SeenBytes, length: number): string {
  const hmac = createHmac("sha256", key);
  const fromBefore = length - end;
  if (fromBefore > 0) hmac.update(before.subarray(before.length - fromBefore));
  return hmac.update(now.subarray(Math.max(0, -fromBefore), end)).digest("binary");
}
