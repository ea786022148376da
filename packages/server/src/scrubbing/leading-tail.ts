import { SHORTEST_EDGE } from "./scrubbing-limits.js";
import type { SecretMatcher } from "./secret-matcher.js";

/**
 * Looks whether a body begins in the middle of a secret, as a partial answer (RFC 9110 §14) may: the first bytes are
 * followed from every state of the automaton at once, each standing for a place in a pattern, until none is left.
 * Never looks at more bytes than the longest pattern has.
 */
export class LeadingTail {
  readonly #matcher: SecretMatcher;
  /** Undefined is everywhere, before the first byte. */
  #places: readonly number[] | undefined;
  #seen = 0;
  #length = 0;
  #shortLength = 0;

  constructor(matcher: SecretMatcher) {
    this.#matcher = matcher;
  }

  /** Whether all that was read could still be inside of a pattern. */
  get isOpen(): boolean {
    return this.#places === undefined || this.#places.length > 0;
  }

  /** Bytes at the very beginning that are the end of a pattern: 0, or {@link SHORTEST_EDGE} and more. */
  get length(): number {
    return this.#length;
  }

  /** The same for a shorter end of a pattern: it is one of a secret if the next piece of that secret follows. */
  get shortLength(): number {
    return this.#shortLength;
  }

  /** Takes the body's next bytes; what comes after the search has closed is not looked at. */
  read(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (!this.isOpen) return;
      const next = new Set<number>();
      for (const place of this.#places ?? Array(this.#matcher.stateCount).keys()) {
        const child = this.#matcher.child(place, byte);
        if (child !== undefined) next.add(child);
      }
      this.#places = [...next];
      this.#seen += 1;
      if (!this.#places.some((place) => this.#matcher.isPattern(place))) continue;
      if (this.#seen >= SHORTEST_EDGE) this.#length = this.#seen;
      else this.#shortLength = this.#seen;
    }
  }
}
