import { VaultProxyError } from "../errors/vault-proxy-error.js";

/** Interim answers of one call. They are passed on whether or not the caller reads them. */
const MAX_INTERIMS = 32;

const SWITCHING_PROTOCOLS = 101;

/** Watches over the interim answers (RFC 9110 §15.2) of one call. Most calls have none. */
export class InterimAnswers {
  readonly #now: () => number;
  readonly #deadline: number;
  #counted = 0;

  /**
   * @param now monotonic milliseconds
   * @param deadline by when the head of the answer has to come
   */
  constructor(now: () => number, deadline: number) {
    this.#now = now;
    this.#deadline = deadline;
  }

  /**
   * Another one has come. It is not the answer, and does not put off the time for it.
   * @throws VaultProxyError if there are too many, if the time for the answer is over, or for a 101 that does not say
   *   what it switches to: nothing comes behind that one
   */
  count(status: number): void {
    this.#counted += 1;
    if (status === SWITCHING_PROTOCOLS) {
      throw new VaultProxyError("upstream_failed", "the upstream's answer is not valid HTTP");
    }
    if (this.#counted > MAX_INTERIMS) {
      throw new VaultProxyError("upstream_failed", "the upstream sends too many interim answers");
    }
    if (this.#now() > this.#deadline) {
      throw new VaultProxyError("upstream_timeout", "the upstream did not answer in time");
    }
  }
}
