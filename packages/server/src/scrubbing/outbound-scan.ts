import {
  BLOCK_BYTES,
  BLOCK_ENDS_BYTES,
  HASH_STEP_BITS,
  SHORTEST_SECRET,
  TAIL_BYTES,
} from "./outbound-limits.js";
import type { OutboundSecrets } from "./outbound-secrets.js";

const NOTHING = Buffer.alloc(0);

/** The search of one request, for secrets that the called service does not have itself. */
export interface OutboundScan {
  /** False if there is nothing to search for: what is given costs nothing then. May change with the secrets. */
  readonly isNeeded: boolean;
  /** Whether a field holds such a secret. `flat`: names and values in turn, as Node gives them (Latin-1). */
  scanHeaders(flat: readonly string[]): boolean;
  /** The same for one Latin-1 text, such as the request target. */
  scanText(text: string): boolean;
  /**
   * The next bytes of the body. True at the chunk in which such a secret is complete, wherever it began, and for
   * every chunk after it. The chunk is neither kept nor changed: only its last bytes are copied, as many as the
   * longest secret has (8 KB at most; twice that is set aside).
   */
  push(chunk: Buffer): boolean;
}

/**
 * Starts the search of one request to `calledService`. Secrets may change meanwhile: what comes next is searched for
 * the new ones, and bytes that went by are remembered as far as the longest former secret reached.
 */
export function createOutboundScan(secrets: OutboundSecrets, calledService: string): OutboundScan {
  let found = false;
  let hash = 0;
  /** Its first `held` bytes are the last ones of the chunks so far. */
  let history = NOTHING;
  let held = 0;

  /** The hash after `bytes` from `from` to `to`, or "found" if a foreign secret ends at one of these bytes. */
  function roll(
    bytes: Buffer,
    from: number,
    to: number,
    hashBefore: number,
    before: Buffer,
  ): number | "found" {
    const { gear } = secrets.hash;
    const { words, shift } = secrets.filter;
    let rolling = hashBefore;
    for (let i = from; i < to; i += 1) {
      rolling = ((rolling << HASH_STEP_BITS) + (gear[bytes[i] ?? 0] ?? 0)) | 0;
      const slot = rolling >>> shift;
      if ((((words[slot >>> 5] ?? 0) >>> (slot & 31)) & 1) === 0) continue;
      if (!secrets.hasTail(rolling)) continue;
      if (secrets.endsForeign(rolling, { before, now: bytes, end: i + 1 }, calledService)) return "found";
    }
    return rolling;
  }

  /**
   * The same for all of `bytes`. Of a secret that ends among the first bytes its last ones may stand in `before`;
   * any other shows one of its end blocks, and only around such a block is looked at every byte.
   */
  function search(bytes: Buffer, hashBefore: number, before: Buffer): number | "found" {
    const { length } = bytes;
    const afterFirst = roll(bytes, 0, Math.min(length, BLOCK_ENDS_BYTES), hashBefore, before);
    if (afterFirst === "found" || length <= BLOCK_ENDS_BYTES) return afterFirst;

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
      if (roll(bytes, firstTail, lastEnd, 0, before) === "found") return "found";
    }
    return roll(bytes, length - TAIL_BYTES, length, 0, before);
  }

  function remember(chunk: Buffer): void {
    const { reach } = secrets;
    // Twice the reach, so that small chunks are appended and old bytes are moved only now and then.
    if (history.length < reach * 2) {
      const larger = Buffer.allocUnsafe(reach * 2);
      history.copy(larger, 0, 0, held);
      history = larger;
    }
    if (chunk.length >= reach) {
      held = chunk.copy(history, 0, chunk.length - reach);
      return;
    }
    if (held + chunk.length > history.length) {
      history.copyWithin(0, held - reach, held);
      held = reach;
    }
    held += chunk.copy(history, held);
  }

  function scanText(text: string): boolean {
    if (text.length < SHORTEST_SECRET || !secrets.hasForeign(calledService)) return false;
    return search(Buffer.from(text, "latin1"), 0, NOTHING) === "found";
  }

  return {
    get isNeeded() {
      return secrets.hasForeign(calledService);
    },
    scanHeaders: (flat) => flat.some(scanText),
    scanText,
    push(chunk) {
      if (found) return true;
      if (!secrets.hasForeign(calledService)) {
        hash = 0;
        held = 0;
        return false;
      }
      const after = search(chunk, hash, history.subarray(0, held));
      if (after === "found") {
        found = true;
        history = NOTHING;
        return true;
      }
      hash = after;
      remember(chunk);
      return false;
    },
  };
}
