import { LeadingTail } from "./leading-tail.js";
import { LET_GO_BYTES, PIECE_BYTES, SHORTEST_EDGE } from "./scrubbing-limits.js";
import { PartialMatchWatch, type PartialMatch } from "./partial-match.js";
import { ROOT, type ScanCursor, type SecretMatcher } from "./secret-matcher.js";

const NOTHING = Buffer.alloc(0);
const ASTERISK = 0x2a;

export interface ScrubStreamOptions {
  /**
   * For a partial answer (206) of one range: the end of a secret at the body's very beginning and the start of one at
   * its very end are overwritten too, from {@link SHORTEST_EDGE} bytes of any form on.
   */
  readonly edges?: boolean;
}

/**
 * Overwrites the secrets in one stream of bytes with `*`; lengths stay. What leaves is what came in, in order, except
 * that the last bytes wait while they could be the start of a secret: never more than the longest pattern has, plus
 * {@link SHORTEST_EDGE} at the beginning of a partial answer.
 *
 * It has no clock: whoever drives it calls {@link ScrubStream.letGo} when nothing came for a while.
 */
export class ScrubStream {
  #matcher: SecretMatcher;
  readonly #leadingTail: LeadingTail | undefined;
  readonly #cursor: ScanCursor = { state: ROOT, position: 0 };
  /** Bytes that came in; positions in the stream count from its first byte. */
  #received = 0;
  /** The last bytes that came in and did not leave yet, overwritten where a secret was complete. A copy of our own. */
  #held = NOTHING;
  /** The last occurrence, together with those that it overlaps or touches; -1 before the first. */
  #lastStart = -1;
  #lastEnd = -1;
  #hits = 0;
  readonly #watch = new PartialMatchWatch();
  #ended = false;

  constructor(matcher: SecretMatcher, options: ScrubStreamOptions = {}) {
    this.#matcher = matcher;
    this.#leadingTail = options.edges === true ? new LeadingTail(matcher) : undefined;
  }

  /** Occurrences found so far; what overlaps or touches the one before it is counted with it. */
  get hits(): number {
    return this.#hits;
  }

  get heldBytes(): number {
    return this.#held.length;
  }

  /**
   * Takes the next bytes and gives those that may leave now, possibly none. The chunk is not changed; it is given
   * back itself, or a view of it, where nothing was held and nothing found.
   * @throws {Error} after the end
   */
  push(chunk: Buffer): Buffer {
    this.#assertOpen();
    const came = this.#received;
    let scrubbed: Buffer | undefined;
    const overwrite = (from: number, to: number): void => {
      this.#count(from, to);
      this.#overwriteHeld(from, to, came);
      scrubbed ??= Buffer.from(chunk);
      scrubbed.fill(ASTERISK, Math.max(0, from - came), Math.max(0, to - came));
    };

    const tail = this.#leadingTail;
    const isAtStart = tail?.isOpen === true;
    if (isAtStart) {
      const before = tail.length;
      tail.read(chunk);
      if (tail.length > before) overwrite(0, tail.length);
    }
    this.#findAll(chunk, came, overwrite);
    this.#received += chunk.length;
    if (isAtStart && this.#leadingTail?.isOpen === false) this.#watchStart(tail);
    this.#noteWithheld();
    return this.#release(scrubbed ?? chunk);
  }

  /**
   * Searches for other patterns from here on. Of the old ones, those that are among the new are found also where they
   * have begun already; of the new ones, those that begin in what has not left yet.
   * @throws {Error} after the end
   */
  searchFor(matcher: SecretMatcher): void {
    this.#assertOpen();
    const begun = this.#matcher.prefix(this.#cursor.state);
    // Of what has begun, bytes may have left already: overwritten, or let go.
    const before = this.#held.subarray(0, Math.max(0, this.#held.length - begun.length));
    const again = Buffer.concat([before, begun]);
    this.#matcher = matcher;
    this.#cursor.state = ROOT;
    this.#findAll(again, this.#received - again.length, (from, to) => {
      this.#count(from, to);
      this.#overwriteHeld(from, to, this.#received);
    });
  }

  /**
   * For a silence: gives what is held if no more than {@link LET_GO_BYTES} bytes of a secret would be out by that.
   * Matching goes on, and what is left of a secret that is complete later is overwritten.
   */
  letGo(): Buffer {
    this.#assertOpen();
    const suspicious = this.#suspiciousBytes();
    // What follows a whole piece at once may be the next one of the same secret, and would cost it 4 bytes more.
    const followsPiece =
      this.#lastEnd - this.#lastStart >= PIECE_BYTES && this.#received - suspicious <= this.#lastEnd;
    // What began in the last occurrence has lost as many bytes as that left of it.
    const overlapsLast = this.#received - this.#matcher.depth(this.#cursor.state) < this.#lastEnd;
    if (suspicious > LET_GO_BYTES || followsPiece || (suspicious > 0 && overlapsLast)) return NOTHING;
    const leaving = this.#held;
    this.#held = NOTHING;
    return leaving;
  }

  /** Gives what is still held: nothing more comes, so it was no secret. */
  end(): Buffer {
    this.#assertOpen();
    if (this.#leadingTail?.isOpen === true) this.#watchStart(this.#leadingTail);
    if (this.#leadingTail !== undefined) this.#scrubTrailingHead();
    this.#watch.cutOff();
    this.#ended = true;
    const leaving = this.#held;
    this.#held = NOTHING;
    return leaving;
  }

  /** Nothing more comes or leaves. May be called at any time. */
  abandon(): void {
    this.#watch.cutOff();
    this.#ended = true;
    this.#held = NOTHING;
  }

  /** The longest part of a secret since this was asked last that showed itself as one, and was not the whole. */
  takePartialMatch(): PartialMatch | undefined {
    return this.#watch.take();
  }

  /** Calls `overwrite` for each occurrence that ends in these bytes, the first of which has the position `came`. */
  #findAll(bytes: Buffer, came: number, overwrite: (from: number, to: number) => void): void {
    const cursor = this.#cursor;
    cursor.position = 0;
    for (;;) {
      const length = this.#matcher.findNext(bytes, cursor);
      if (length === 0) return;
      const end = came + cursor.position;
      this.#watch.complete(end - length, end);
      overwrite(this.#withLeadingTail(end - length), end);
    }
  }

  #assertOpen(): void {
    if (this.#ended) throw new Error("the stream has ended");
  }

  #count(from: number, to: number): void {
    if (from > this.#lastEnd) {
      this.#hits += 1;
      this.#lastStart = from;
    }
    this.#lastStart = Math.min(this.#lastStart, from);
    this.#lastEnd = Math.max(this.#lastEnd, to);
  }

  /** Overwrites what is held of a range; `heldEnd` is the position behind the last held byte. */
  #overwriteHeld(from: number, to: number, heldEnd: number): void {
    const heldStart = heldEnd - this.#held.length;
    this.#held.fill(ASTERISK, Math.max(0, from - heldStart), Math.max(0, Math.min(to, heldEnd) - heldStart));
  }

  /** Where an occurrence begins, if a piece of a secret that starts there may be the second one in the body. */
  #withLeadingTail(start: number): number {
    return start <= (this.#leadingTail?.shortLength ?? 0) ? 0 : start;
  }

  /** How many of the last bytes that came in, whether they left or not, could be the start of a secret. */
  #suspiciousBytes(): number {
    const start =
      this.#leadingTail?.isOpen === true
        ? 0
        : this.#withLeadingTail(this.#received - this.#matcher.depth(this.#cursor.state));
    // What is overwritten need not wait, though a longer occurrence may have it in common with the last one.
    return this.#received - (start >= this.#lastStart ? Math.max(start, this.#lastEnd) : start);
  }

  #watchStart({ length }: LeadingTail): void {
    this.#watch.edge("start", 0, length, 0);
  }

  #noteWithheld(): void {
    const isAtStart = this.#leadingTail?.isOpen === true;
    const length = isAtStart ? this.#received : this.#matcher.depth(this.#cursor.state);
    this.#watch.withhold(this.#received - length, this.#received, this.#publicBytes(length));
  }

  /** How many of so many last bytes, if they are the start of a secret, are known to everybody. */
  #publicBytes(length: number): number {
    const { state } = this.#cursor;
    return length === this.#matcher.depth(state) ? this.#matcher.publicDepth(state) : 0;
  }

  /** Gives all but the suspicious bytes of what is held and of the bytes behind it. */
  #release(bytes: Buffer): Buffer {
    const held = this.#held;
    const staying = Math.min(this.#suspiciousBytes(), held.length + bytes.length);
    const leaving = held.length + bytes.length - staying;
    if (held.length === 0) {
      if (staying === 0) return bytes;
      this.#held = Buffer.from(bytes.subarray(leaving));
      return bytes.subarray(0, leaving);
    }
    const all = Buffer.concat([held, bytes]);
    this.#held = Buffer.from(all.subarray(leaving));
    return all.subarray(0, leaving);
  }

  /** Overwrites the start of a secret at the body's end, and a body that is the inside of one altogether. */
  #scrubTrailingHead(): void {
    const length = this.#suspiciousBytes();
    const from = this.#received - length;
    // A short start is one of a secret too if it goes on where a piece of that secret ended.
    const goesOn = length > 0 && from <= this.#lastEnd;
    if (length < SHORTEST_EDGE && !goesOn) return;
    this.#watch.edge("end", from, this.#received, this.#publicBytes(length));
    this.#count(from, this.#received);
    this.#overwriteHeld(from, this.#received, this.#received);
  }
}
