import type { Logger } from "../redaction/logger.js";
import type { PartialMatch } from "../scrubbing/partial-match.js";
import type { StrikeCause } from "../tokens/token-strikes.js";
import type { TokenRecord } from "../tokens/token-record.js";
import type { RangeLimit } from "./range-limit.js";

export interface GuessWatchParts {
  /** Notes that a token did what it should not, once for each cause. */
  readonly strikeOnce: (token: TokenRecord, cause: StrikeCause) => void;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly log: Logger;
}

export interface WatchedCall {
  readonly token: TokenRecord;
  readonly route: { readonly name: string; readonly ranges: RangeLimit };
  readonly requestId: string;
}

/**
 * What to do when an answer held a part of a secret: a caller that has its own text sent back could find out a secret
 * character by character. Each length counts once against the token, since going on takes a longer one each time, and
 * what a program repeats without intent has the same.
 */
export function watchGuesses(
  { strikeOnce, now, log }: GuessWatchParts,
  { token, route, requestId }: WatchedCall,
): (match: PartialMatch) => void {
  return ({ at, length }) => {
    log.warn(
      { request_id: requestId, service: route.name, token: token.id_prefix, where: at, characters: length },
      "an answer held a part of a credential, as a guess at it would: counted against the token",
    );
    if (at !== "inside") route.ranges.note(now());
    strikeOnce(token, `${route.name}/${at}/${length}`);
  };
}
