import type { EncodedBody } from "./request-body.js";

/** One request as it goes on the wire. */
export interface WireRequest {
  readonly method: string;
  /** Path and query (RFC 9112 §3.2.1, origin-form), sent byte for byte. */
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: EncodedBody["body"];
  /** Also ends the answer's body. */
  readonly signal: AbortSignal;
}

/** An answer whose body was not read yet. Either `text` or `response` may be used, once. */
export interface Answer {
  readonly status: number;
  /** @param name in lower case */
  header(name: string): string | undefined;
  /** @throws VaultError `invalid_answer` for a body of more than `maxBytes`, which is not read on */
  text(maxBytes: number): Promise<string>;
  response(): Response;
}

/** Sends requests to one origin. */
export interface Exchange {
  send(request: WireRequest): Promise<Answer>;
  /** Ends connections that nobody uses. */
  close(): void;
}
