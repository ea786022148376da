import {
  BLOCK_BYTES,
  BLOCK_ENDS_BYTES,
  HASH_STEP_BITS,
  SHORTEST_SECRET,
  TAIL_BYTES,
} from "./outbound-limits.js";
import type { OutboundSecrets, SecretIdentity } from "./outbound-secrets.js";

const NOTHING = Buffer.alloc(0);

/** The end of a search. */
interface Found {
  readonly secret: SecretIdentity;
}

/**
 * The search of one request to `calledService`, for secrets that this service does not have itself. Secrets may change
 * meanwhile: what comes next is searched for the new ones, and bytes that went by are remembered as far as the longest
 * former secret reached.
 */
export class OutboundScan {
  readonly #secrets: OutboundSecrets;
  readonly #calledService: string;
  #found: SecretIdentity | undefined;
  #hash = 0;
  /** Its first `#held` bytes are the last ones of the chunks so far. */
  #history = NOTHING;
  #held = 0;

  constructor(secrets: OutboundSecrets, calledService: string) {
    this.#secrets = secrets;
    this.#calledService = calledService;
  }

  /** False if there is nothing to search for: what is given costs nothing then. May change with the secrets. */
  get isNeeded(): boolean {
    return this.#secrets.hasForeign(this.#calledService);
  }

  /** Such a secret in a field, if there is one. `flat`: names and values in turn, as Node gives them (Latin-1). */
  scanHeaders(flat: readonly string[]): SecretIdentity | undefined {
    for (const text of flat) {
      const secret = this.scanText(text);
      if (secret !== undefined) return secret;
    }
    return undefined;
  }

  /** The same for one Latin-1 text, such as the request target. */
  scanText(text: string): SecretIdentity | undefined {
    if (text.length < SHORTEST_SECRET || !this.isNeeded) return undefined;
    const outcome = this.#search(Buffer.from(text, "latin1"), 0, NOTHING);
    return typeof outcome === "number" ? undefined : outcome.secret;
  }

  /**
   * The next bytes of the body. Gives such a secret at the chunk in which it is complete, wherever it began, and at
   * every chunk after it. The chunk is neither kept nor changed: only its last bytes are copied, as many as the
   * longest secret has (8 KB at most; twice that is set aside).
   */
  push(chunk: Buffer): SecretIdentity | undefined {
    if (this.#found !== undefined) return this.#found;
    if (!this.isNeeded) {
      this.#hash = 0;
      this.#held = 0;
      return undefined;
    }
    const after = this.#search(chunk, this.#hash, this.#history.subarray(0, this.#held));
    if (typeof after !== "number") {
      this.#found = after.secret;
      this.#history = NOTHING;
      return this.#found;
    }
    this.#hash = after;
    this.#remember(chunk);
    return undefined;
  }

  /** The hash after `bytes` from `from` to `to`, or the foreign secret that ends at one of these bytes. */
  #roll(bytes: Buffer, from: number, to: number, hashBefore: number, before: Buffer): number | Found {
    const secrets = this.#secrets;
    const { gear } = secrets.hash;
    const { words, shift } = secrets.filter;
    let rolling = hashBefore;
    for (let i = from; i < to; i += 1) {
      rolling = ((rolling << HASH_STEP_BITS) + (gear[bytes[i] ?? 0] ?? 0)) | 0;
      const slot = rolling >>> shift;
      if ((((words[slot >>> 5] ?? 0) >>> (slot & 31)) & 1) === 0) continue;
      if (!secrets.hasTail(rolling)) continue;
      const secret = secrets.foreignEnd(rolling, { before, now: bytes, end: i + 1 }, this.#calledService);
      if (secret !== undefined) return { secret };
    }
    return rolling;
  }

  /**
   * The same for all of `bytes`. Of a secret that ends among the first bytes its last ones may stand in `before`;
   * any other shows one of its end blocks, and only around such a block is looked at every byte.
   */
  #search(bytes: Buffer, hashBefore: number, before: Buffer): number | Found {
    const secrets = this.#secrets;
    const { length } = bytes;
    const afterFirst = this.#roll(bytes, 0, Math.min(length, BLOCK_ENDS_BYTES), hashBefore, before);
    if (typeof afterFirst !== "number" || length <= BLOCK_ENDS_BYTES) return afterFirst;

    const { low, high } = secrets.hash;
    const { words, shift } = secrets.filter;
    const view = new DataView(bytes.buffer, bytes.byteOffset, length);
    for (let block = 0; block + BLOCK_BYTES <= length; block += BLOCK_BYTES) {
      const hashed =
        Math.imul(view.getInt32(block, true), low) + Math.imul(view.getInt32(block + 4, true), high);
      const slot = hashed >>> shift;
      if ((((words[slot >>> 5] ?? 0) >>> (slot & 31)) & 1) === 0) continue;
      const firstTail = Math.max(0, block + BLOCK_BYTES - TAIL_BYTES);
      const lastEnd = Math.min(block + BLOCK_ENDS_BYTES, length);
      const around = this.#roll(bytes, firstTail, lastEnd, 0, before);
      if (typeof around !== "number") return around;
    }
    return this.#roll(bytes, length - TAIL_BYTES, length, 0, before);
  }

  #remember(chunk: Buffer): void {
    const { reach } = this.#secrets;
    // Twice the reach, so that small chunks are appended and old bytes are moved only now and then.
    if (this.#history.length < reach * 2) {
      const larger = Buffer.allocUnsafe(reach * 2);
      this.#history.copy(larger, 0, 0, this.#held);
      this.#history = larger;
    }
    if (chunk.length >= reach) {
      this.#held = chunk.copy(this.#history, 0, chunk.length - reach);
      return;
    }
    if (this.#held + chunk.length > this.#history.length) {
      this.#history.copyWithin(0, this.#held - reach, this.#held);
      this.#held = reach;
    }
    this.#held += chunk.copy(this.#history, this.#held);
  }
}
