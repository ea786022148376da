export interface ClientOptions {
  /** `http://…`, `https://…` or `unix:/path`. Default `http://127.0.0.1:8390`. */
  readonly addr?: string | undefined;
  /** A unix socket; goes before `addr`. */
  readonly socketPath?: string | undefined;
  readonly token?: string | undefined;
  /** Milliseconds, 0 for none. Default 60 s. */
  readonly timeoutMs?: number | undefined;
  /**
   * How often a GET of the vault's own state is attempted again that got no answer, 5 times at most. Default 2. What is
   * proxied, and what changes anything, is never sent twice.
   */
  readonly retries?: number | undefined;
  /** Send tokens and passwords over plain http to hosts other than loopback: anyone on the way can read them. */
  readonly allowInsecure?: boolean | undefined;
  /** Used for every call, instead of node:http on Node and of the platform's fetch elsewhere. */
  readonly fetch?: typeof fetch | undefined;
}

export interface ConnectOptions extends Omit<ClientOptions, "token"> {
  /** A function is asked at every call. */
  readonly token?: string | (() => string) | undefined;
}
