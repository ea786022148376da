import type { Writable } from "node:stream";
import { ScrubStream } from "../scrubbing/scrub-stream.js";
import type { SecretMatcher } from "../scrubbing/secret-matcher.js";

/** How long the last bytes wait for more when they could be the start of a secret. */
const SILENCE_MS = 20;

/** Writes bytes to a stream with the secrets in them overwritten, each chunk as soon as it may leave. */
export class ScrubbedOutput {
  readonly #output: Writable;
  readonly #matcher: () => SecretMatcher;
  readonly #stream: ScrubStream;
  #searchedFor: SecretMatcher;
  #timer: NodeJS.Timeout | undefined;
  #hasWritten = false;

  /** @param matcher asked for with each chunk: another one is searched for from there on */
  constructor(output: Writable, matcher: () => SecretMatcher, options: { readonly edges: boolean }) {
    this.#output = output;
    this.#matcher = matcher;
    this.#searchedFor = matcher();
    this.#stream = new ScrubStream(this.#searchedFor, options);
  }

  /** Secrets overwritten so far. */
  get hits(): number {
    return this.#stream.hits;
  }

  /** Whether anything was written to the output. */
  get hasWritten(): boolean {
    return this.#hasWritten;
  }

  /** @returns false if the output wants no more before it has drained */
  write(chunk: Buffer): boolean {
    this.#keepUp();
    const leaving = this.#stream.push(chunk);
    if (this.#stream.heldBytes > 0) this.#awaitSilence();
    return this.#writeOut(leaving);
  }

  /** Writes what was held back. The output is not ended. */
  finish(): void {
    clearTimeout(this.#timer);
    this.#keepUp();
    this.#writeOut(this.#stream.end());
  }

  /** To be called if {@link ScrubbedOutput.finish} is not: nothing is written any more. */
  abandon(): void {
    clearTimeout(this.#timer);
  }

  #keepUp(): void {
    const matcher = this.#matcher();
    if (matcher === this.#searchedFor) return;
    this.#searchedFor = matcher;
    this.#stream.searchFor(matcher);
  }

  #awaitSilence(): void {
    if (this.#timer === undefined) this.#timer = setTimeout(this.#onSilence, SILENCE_MS);
    else this.#timer.refresh();
  }

  #writeOut(leaving: Buffer): boolean {
    if (leaving.length === 0) return true;
    this.#hasWritten = true;
    return this.#output.write(leaving);
  }

  readonly #onSilence = (): void => {
    this.#writeOut(this.#stream.letGo());
  };
}
