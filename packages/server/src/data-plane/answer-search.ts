import type { ChangingSecrets, SearchedSecret, SecretMatcher } from "../scrubbing/secret-matcher.js";
import { compileAnswerMatcher } from "./answer-matcher.js";

/**
 * Characters of secrets that are no longer in use and still searched for, for the sake of answers that began before.
 * Whoever changes a secret with every answer would otherwise make one long answer search for all of them.
 */
const MOST_RETIRED_CHARACTERS = 8192;

/** The search of one answer, from the moment in which its request goes out. */
export interface AnswerSearch {
  /** To be asked for anew with each piece: it is another object once the secrets have changed. */
  readonly matcher: SecretMatcher;
  /** The answer has ended. */
  close(): void;
}

/** What is searched for in the answers of one service. */
export interface SearchedAnswers {
  open(): AnswerSearch;
}

/**
 * @param fixed secrets that stay as long as the route does
 * @param changing others; while an answer is open, it is searched for all that they gave since it was opened, and for
 *   what they gave before the last change
 * @returns undefined if there is nothing to search for, and never will be
 */
export function createSearchedAnswers(
  fixed: readonly SearchedSecret[],
  changing: readonly ChangingSecrets[],
): SearchedAnswers | undefined {
  if (changing.length > 0) return new ChangingAnswers(fixed, changing);
  const matcher = compileAnswerMatcher(fixed);
  if (matcher.longestPattern === 0) return undefined;
  const search: AnswerSearch = { matcher, close: () => undefined };
  return { open: () => search };
}

interface RetiredSecret {
  readonly searched: SearchedSecret;
  /** Equal for those that are searched for alike. */
  readonly key: string;
  /** The last generation in which it was in use. */
  readonly generation: number;
}

/** One matcher for all answers of the service, compiled when an answer first needs it after a change. */
class ChangingAnswers implements SearchedAnswers {
  readonly #fixed: readonly SearchedSecret[];
  readonly #sources: readonly ChangingSecrets[];
  /** What each source gave last. */
  #given: readonly (readonly SearchedSecret[])[];
  #retired: readonly RetiredSecret[] = [];
  #matcher: SecretMatcher | undefined;
  /** Counts the changes. */
  #generation = 0;
  /** How many answers are open, by the generation in which they were opened. */
  readonly #open = new Map<number, number>();

  constructor(fixed: readonly SearchedSecret[], sources: readonly ChangingSecrets[]) {
    this.#fixed = fixed;
    this.#sources = sources;
    this.#given = sources.map((source) => source());
  }

  get matcher(): SecretMatcher {
    this.#look();
    return (this.#matcher ??= compileAnswerMatcher([
      ...this.#fixed,
      ...this.#given.flat(),
      ...this.#retired.map(({ searched }) => searched),
    ]));
  }

  open(): AnswerSearch {
    this.#look();
    const generation = this.#generation;
    this.#open.set(generation, (this.#open.get(generation) ?? 0) + 1);
    return new ChangingSearch(this, generation);
  }

  close(generation: number): void {
    const others = (this.#open.get(generation) ?? 0) - 1;
    if (others > 0) this.#open.set(generation, others);
    else this.#open.delete(generation);
  }

  #look(): void {
    for (let index = 0; index < this.#sources.length; index += 1) {
      if (this.#sources[index]?.() !== this.#given[index]) {
        this.#change();
        return;
      }
    }
  }

  #change(): void {
    const before = this.#given.flat();
    this.#given = this.#sources.map((source) => source());
    const now = new Set(this.#given.flat().map(keyOf));
    const oldestOpen = Math.min(this.#generation, ...this.#open.keys());
    const gone = before.map((searched) => ({
      searched,
      key: keyOf(searched),
      generation: this.#generation,
    }));
    this.#retired = youngest(
      [...this.#retired.filter(({ generation }) => generation >= oldestOpen), ...gone].filter(
        ({ key }) => !now.has(key),
      ),
    );
    this.#generation += 1;
    this.#matcher = undefined;
  }
}

class ChangingSearch implements AnswerSearch {
  readonly #answers: ChangingAnswers;
  readonly #generation: number;
  #isOpen = true;

  constructor(answers: ChangingAnswers, generation: number) {
    this.#answers = answers;
    this.#generation = generation;
  }

  get matcher(): SecretMatcher {
    return this.#answers.matcher;
  }

  close(): void {
    if (this.#isOpen) this.#answers.close(this.#generation);
    this.#isOpen = false;
  }
}

/** Each once, the youngest and as many before it as may be kept. */
function youngest(retired: readonly RetiredSecret[]): RetiredSecret[] {
  const kept = new Map<string, RetiredSecret>();
  let characters = 0;
  for (const one of retired.toReversed()) {
    characters += one.key.length;
    if (characters > MOST_RETIRED_CHARACTERS && kept.size > 0) break;
    kept.set(one.key, one);
  }
  return [...kept.values()].reverse();
}

function keyOf({ secret, forms = "all" }: SearchedSecret): string {
  return `${forms}:${secret.reveal()}`;
}
