import type { RequestBody } from "./request-body.js";
import type { HeaderList } from "./request-headers.js";

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds; 0 for no limit. Default: the client's. */
  readonly timeoutMs?: number | undefined;
}

export interface Call extends CallOptions {
  readonly method: string;
  /** Path and query below the vault's address, as they go on the wire. */
  readonly target: string;
  readonly headers?: HeaderList | undefined;
  readonly body?: RequestBody;
  /** The body is a secret although no token goes with it. */
  readonly confidential?: boolean;
  /** Keep an `Authorization` that `headers` names instead of setting the token. */
  readonly keepAuthorization?: boolean;
  /**
   * Which answers of `raw` reject instead: those that the vault itself made on a data-plane route, or every one that
   * is not a success. Default: none.
   */
  readonly rejects?: "vault-errors" | "failures";
  /** What `json` reads of an answer, in bytes. Default: 16 MB. */
  readonly maxAnswerBytes?: number;
}
