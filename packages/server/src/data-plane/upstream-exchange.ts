import type { IncomingMessage, ServerResponse } from "node:http";
import { TLSSocket } from "node:tls";
import type { Dispatcher } from "undici";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { filterResponseHeaders } from "../network/header-policy.js";
import type { ReadGate } from "../network/read-gate.js";
import { describeUpstreamError } from "../network/upstream-errors.js";
import type { CountBytes } from "./chunk-collector.js";
import type { EndableCall } from "./in-flight-calls.js";
import { answerError } from "./own-answer.js";
import type { ServiceRoute } from "./service-routes.js";

/** Proxied HTML would run on the vault's own origin; these keep it from doing anything there. */
const SANDBOX_HEADERS = [
  "Content-Security-Policy",
  "sandbox; default-src 'none'",
  "X-Content-Type-Options",
  "nosniff",
  "X-Frame-Options",
  "DENY",
] as const;

/** RFC 9112 §4: `reason-phrase`. */
const REASON_PHRASE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** How a call ended. */
export interface ExchangeOutcome {
  /** Status of the upstream's answer, if its head arrived. */
  readonly status: number | undefined;
  /** Why the call failed; undefined if the whole answer was passed on. */
  readonly error: VaultProxyError | undefined;
}

export interface ExchangeOptions {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  readonly tokenDigest: string;
  readonly route: Pick<ServiceRoute, "name" | "currentGate" | "responseTimeoutMs">;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly countBytes: CountBytes;
  /** Called once, when the call is over in either direction. */
  readonly onEnd: (exchange: UpstreamExchange, outcome: ExchangeOutcome) => void;
}

/**
 * One upstream answer on its way to the caller: each piece leaves when it arrives, a slow caller slows the upstream,
 * a caller that goes away cancels the upstream request, and an answer that breaks off breaks off at the caller too.
 */
export class UpstreamExchange implements Dispatcher.DispatchHandler, EndableCall {
  readonly tokenDigest: string;
  readonly serviceName: string;
  readonly #options: ExchangeOptions;
  readonly #startedAt: number;
  #controller: Dispatcher.DispatchController | undefined;
  #gate: ReadGate | undefined;
  #ending: VaultProxyError | undefined;
  #status: number | undefined;
  #bodyStarted = false;
  #over = false;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#startedAt = options.now();
    this.tokenDigest = options.tokenDigest;
    this.serviceName = options.route.name;
    const { request, response } = options;
    response.on("drain", this.#onDrain).on("close", this.#onCallerClose).on("error", this.#onCallerClose);
    // The answer to a pipelined request has no socket yet, and is not told when that closes.
    request.socket.on("close", this.#onCallerClose);
  }

  end(reason: VaultProxyError): void {
    if (this.#over) return;
    this.#ending = reason;
    this.#controller?.abort(reason);
    this.#fail(reason);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#over) controller.abort(this.#ending ?? callerLeft());
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _headers: unknown,
    reason = "",
  ): void {
    if (this.#over) return;
    if (status < 200) {
      this.#passInterim();
      return;
    }
    const { response, requestId, route } = this.#options;
    const rawHeaders = controller.rawHeaders as Buffer[];
    if (hasUnknownCoding(rawHeaders)) {
      throw new VaultProxyError("upstream_failed", "the upstream's answer has an unknown transfer coding");
    }
    const headers = filterResponseHeaders(rawHeaders);
    headers.push(...SANDBOX_HEADERS, "X-Vault-Request-Id", requestId);
    this.#gate = route.currentGate();
    response.writeHead(status, REASON_PHRASE.test(reason) ? reason : "", headers);
    this.#status = status;
    // These have no body whatever their headers say (RFC 9110 §8.6), and undici would miss it.
    if (status === 204 || status === 304) this.onResponseEnd();
    // A first piece of body that came along leaves in one write with the head; otherwise the head leaves alone now.
    else process.nextTick(this.#flushHead);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#over) return;
    this.#bodyStarted = true;
    this.#options.countBytes(chunk.length);
    if (!this.#options.response.write(chunk)) this.#gate?.close();
  }

  onResponseEnd(): void {
    if (this.#over) return;
    // An answer that ends with its connection ends well only if the connection did.
    if (this.#gate !== undefined && this.#gate.failure !== null) {
      this.#fail(new VaultProxyError("upstream_failed", "the upstream broke off its answer"));
      return;
    }
    this.#options.response.end();
    this.#finish({ status: this.#status, error: undefined });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (!this.#over) this.#fail(this.#ending ?? describeUpstreamError(error));
  }

  /** An interim answer (RFC 9110 §15.2) is not the answer, and does not put off the time for it. */
  #passInterim(): void {
    const { now, route } = this.#options;
    if (now() - this.#startedAt > route.responseTimeoutMs) {
      throw new VaultProxyError("upstream_timeout", "the upstream did not answer in time");
    }
  }

  #fail(error: VaultProxyError): void {
    const { request, response, requestId } = this.#options;
    if (this.#over) return;
    this.#finish({ status: this.#status, error });
    if (response.headersSent) breakOff(request, response);
    else answerError(request, response, error, { requestId, markError: true });
  }

  #finish(outcome: ExchangeOutcome): void {
    this.#over = true;
    this.#gate?.open();
    this.#options.response.off("drain", this.#onDrain);
    this.#options.request.socket.off("close", this.#onCallerClose);
    this.#options.onEnd(this, outcome);
  }

  readonly #flushHead = (): void => {
    if (!this.#bodyStarted && !this.#over) this.#options.response.flushHeaders();
  };

  readonly #onDrain = (): void => {
    this.#gate?.open();
  };

  readonly #onCallerClose = (): void => {
    if (this.#over) return;
    const left = callerLeft();
    this.#finish({ status: this.#status, error: left });
    this.#controller?.abort(left);
  };
}

function callerLeft(): VaultProxyError {
  return new VaultProxyError("invalid_request", "the caller went away");
}

/** RFC 9112 §6.3: what follows another coding than `chunked` cannot be told. */
function hasUnknownCoding(rawHeaders: readonly Buffer[]): boolean {
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length !== "transfer-encoding".length) continue;
    if (name.toString("latin1").toLowerCase() !== "transfer-encoding") continue;
    if (rawHeaders[index + 1]?.toString("latin1").trim().toLowerCase() !== "chunked") return true;
  }
  return false;
}

/** A caller of HTTP/1.0 knows the end of a body by the end of the connection, so that must not look like one. */
function breakOff(request: IncomingMessage, response: ServerResponse): void {
  const { socket } = request;
  if (request.httpVersion === "1.0" && !(socket instanceof TLSSocket)) socket.resetAndDestroy();
  else response.destroy();
}
