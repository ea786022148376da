import { compilePatterns, type SearchedSecret, type SecretMatcher } from "../scrubbing/secret-matcher.js";
import { isSearchable, secretForms } from "../scrubbing/secret-forms.js";

/** What searches the answers of one service. */
export interface AnswerMatchers {
  /** For header fields, trailers and the reason phrase. */
  readonly head: SecretMatcher;
  /** For bodies. */
  readonly body: SecretMatcher;
}

/** A header field is short and seldom prose, so shorter secrets are searched for there than in bodies. */
const SHORTEST_IN_HEAD = 4;

/** @returns undefined if there is nothing to search for */
export function compileAnswerMatchers(searched: readonly SearchedSecret[]): AnswerMatchers | undefined {
  const inBodies: Buffer[] = [];
  const short: Buffer[] = [];
  for (const { secret, forms } of searched) {
    const text = secret.reveal();
    if (isSearchable(text)) inBodies.push(...secretForms(text, forms));
    else if (text.length >= SHORTEST_IN_HEAD && forms !== "base64") short.push(Buffer.from(text));
  }
  if (inBodies.length + short.length === 0) return undefined;
  const matchers = { head: compilePatterns([...inBodies, ...short]), body: compilePatterns(inBodies) };
  for (const pattern of [...inBodies, ...short]) pattern.fill(0);
  return matchers;
}
