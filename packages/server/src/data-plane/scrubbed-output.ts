import type { Writable } from "node:stream";
import { ScrubStream } from "../scrubbing/scrub-stream.js";
import type { PartialMatch } from "../scrubbing/partial-match.js";
import type { SecretMatcher } from "../scrubbing/secret-matcher.js";

/** How long the last bytes wait for more when they could be the start of a secret. */
const SILENCE_MS = 20;

export interface ScrubbedOutputOptions {
  readonly edges: boolean;
  /** Told of parts of secrets that showed themselves as such; may abandon the output. */
  readonly onPartialMatch: (match: PartialMatch) => void;
}

/** Writes bytes to a stream with the secrets in them overwritten, each chunk as soon as it may leave. */
export class ScrubbedOutput {
  readonly #output: Writable;
  readonly #matcher: () => SecretMatcher;
  readonly #stream: ScrubStream;
  readonly #onPartialMatch: ScrubbedOutputOptions["onPartialMatch"];
  #searchedFor: SecretMatcher;
  #timer: NodeJS.Timeout | undefined;
  #hasWritten = false;

  /** @param matcher asked for with each chunk: another one is searched for from there on */
  constructor(output: Writable, matcher: () => SecretMatcher, options: ScrubbedOutputOptions) {
    this.#output = output;
    this.#matcher = matcher;
    this.#onPartialMatch = options.onPartialMatch;
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
    const wantsMore = this.#writeOut(leaving);
    this.#report();
    return wantsMore;
  }

  /** Writes what was held back. The output is not ended. */
  finish(): void {
    clearTimeout(this.#timer);
    this.#keepUp();
    this.#writeOut(this.#stream.end());
    this.#report();
  }

  /** To be called if {@link ScrubbedOutput.finish} is not: nothing is written any more. */
  abandon(): void {
    clearTimeout(this.#timer);
    this.#stream.abandon();
    this.#report();
  }

  #report(): void {
    const match = this.#stream.takePartialMatch();
    if (match !== undefined) this.#onPartialMatch(match);
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
