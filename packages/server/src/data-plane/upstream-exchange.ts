import type { IncomingMessage, ServerResponse } from "node:http";
import type { Dispatcher } from "undici";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { filterResponseHeaders } from "../network/header-policy.js";
import { describeUpstreamError } from "../network/upstream-errors.js";
import type { EndableCall } from "./in-flight-calls.js";
import { answerError } from "./own-answer.js";

/** Proxied HTML would run on the vault's own origin; these keep it from doing anything there. */
const SANDBOX_HEADERS = [
  "Content-Security-Policy",
  "sandbox; default-src 'none'",
  "X-Content-Type-Options",
  "nosniff",
  "X-Frame-Options",
  "DENY",
] as const;

/** How a call ended; exactly one of the two is set when `onEnd` is told. */
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
  readonly serviceName: string;
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
  #controller: Dispatcher.DispatchController | undefined;
  #ending: VaultProxyError | undefined;
  #status: number | undefined;
  #bodyStarted = false;
  #over = false;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.tokenDigest = options.tokenDigest;
    this.serviceName = options.serviceName;
    options.response
      .on("drain", this.#onDrain)
      .on("close", this.#onCallerClose)
      .on("error", this.#onCallerClose);
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
    reason?: string,
  ): void {
    // An interim answer (RFC 9110 §15.2) is not the answer.
    if (status < 200 || this.#over) return;
    const { response, requestId } = this.#options;
    const headers = filterResponseHeaders(controller.rawHeaders as Buffer[]);
    headers.push(...SANDBOX_HEADERS, "X-Vault-Request-Id", requestId);
    this.#status = status;
    response.writeHead(status, reason ?? "", headers);
    // A first piece of body that came along leaves in one write with the head; otherwise the head leaves alone now.
    process.nextTick(this.#flushHead);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#over) return;
    this.#bodyStarted = true;
    if (!this.#options.response.write(chunk)) controller.pause();
  }

  onResponseEnd(): void {
    if (this.#over) return;
    this.#options.response.end();
    this.#finish({ status: this.#status, error: undefined });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (!this.#over) this.#fail(this.#ending ?? describeUpstreamError(error));
  }

  #fail(error: VaultProxyError): void {
    const { request, response, requestId } = this.#options;
    if (this.#over) return;
    this.#finish({ status: this.#status, error });
    if (response.headersSent) response.destroy();
    else answerError(request, response, error, { requestId, markError: true });
  }

  #finish(outcome: ExchangeOutcome): void {
    this.#over = true;
    this.#options.response.off("drain", this.#onDrain);
    this.#options.onEnd(this, outcome);
  }

  readonly #flushHead = (): void => {
    if (!this.#bodyStarted && !this.#over) this.#options.response.flushHeaders();
  };

  readonly #onDrain = (): void => {
    this.#controller?.resume();
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
