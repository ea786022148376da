import type { ClientOptions } from "./client-options.js";
import { connect } from "./connect.js";
import { assertOptions, assertToken } from "./option-checks.js";
import type { ProxyOptions } from "./proxy.js";
import type { RequestBody } from "./request-body.js";
import { targetBelow } from "./request-target.js";
import type { CallOptions } from "./call.js";
import type { Transport } from "./transport.js";

/** A vault-server, a token for it, and any call of its HTTP API. */
export class VaultConnection {
  /** Where the calls go, for messages: never holds a secret. */
  readonly addr: string;
  protected readonly transport: Transport;
  // A private field, so that neither console.log nor JSON.stringify of a client shows it.
  #token = "";

  /** @throws VaultError `invalid_address`, or `invalid_request` for an option that is none or whose value is none */
  constructor(options: ClientOptions = {}) {
    assertOptions(options);
    this.token = options.token ?? "";
    this.transport = connect({ ...options, token: () => this.#token });
    this.addr = this.transport.address.label;
  }

  /** What the calls carry; empty without one. */
  get token(): string {
    return this.#token;
  }

  set token(token: string) {
    assertToken(token);
    this.#token = token;
  }

  /** Any call of the vault's HTTP API; resolves with the answer whatever it is. */
  async do(method: string, path: string, body?: RequestBody, options?: ProxyOptions): Promise<Response> {
    return this.transport.raw({ ...options, method, target: path, body });
  }

  /**
   * Sends a ready-made `Request` to the vault, with the token unless it brings an `Authorization` of its own. Its URL
   * must lie below `addr` (`http://localhost` for a unix socket), so that the token goes nowhere else.
   */
  async doRequest(request: Request, options?: CallOptions): Promise<Response> {
    return this.transport.raw({
      signal: request.signal,
      ...options,
      method: request.method,
      target: targetBelow(this.transport.address, request.url),
      headers: request.headers,
      body: request.body,
      keepAuthorization: true,
    });
  }

  /** Ends idle connections. A client can be used again afterwards. */
  close(): void {
    this.transport.close();
  }
}
