import type { IncomingMessage, ServerResponse } from "node:http";
import { TLSSocket } from "node:tls";
import type { Dispatcher } from "undici";
import { NOWHERE } from "../collections/live-list.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { CallTimes } from "../metrics/call-metrics.js";
import type { ReadGate } from "../network/read-gate.js";
import { describeUpstreamError, isConnectionLoss } from "../network/upstream-errors.js";
import type { PartialMatch } from "../scrubbing/partial-match.js";
import { atTurnEnd, corkForTurn } from "../wire/turn-end.js";
import { createAnswerBody, type AnswerBody } from "./answer-body.js";
import { encodeInterim, fieldPairs, readAnswerHead, readTrailers } from "./answer-head.js";
import { headOfDecoded, planAnswer } from "./answer-plan.js";
import type { AnswerSearch } from "./answer-search.js";
import type { CountBytes } from "./chunk-collector.js";
import type { EndableCall } from "./in-flight-calls.js";
import { InterimAnswers } from "./interim-answers.js";
import { answerError } from "./own-answer.js";
import { discardRest } from "./request-body.js";
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

/**
 * A caller that takes nothing for so many times the idle time-out is given up. More than once, because what it has not
 * read yet lies in the system's buffers for long: a slow reader shows no sign of life until megabytes are gone.
 */
const STALLED_CALLER_FACTOR = 12;

/** Of a stream, less than that leaves at the end of the turn, and more at once. */
const SMALL_BYTES = 16 * 1024;

const UNREADABLE = "the upstream's answer is encoded in a way that cannot be read";

/** How a call ended. */
export interface ExchangeOutcome {
  /** Status of the upstream's answer, if its head arrived. */
  readonly status: number | undefined;
  /** Whether the caller got that head. */
  readonly isPassedOn: boolean;
  /** Why the call failed; undefined if the whole answer was passed on. */
  readonly error: VaultProxyError | undefined;
  /** How often a secret of the service stood in the answer, and was overwritten. */
  readonly scrubbed: number;
}

/** What an exchange needs to know of the service that is called. */
export type ExchangeRoute = Pick<
  ServiceRoute,
  | "name"
  | "origin"
  | "currentGate"
  | "responseTimeoutMs"
  | "idleTimeoutMs"
  | "searchedAnswers"
  | "readBodyType"
>;

export interface ExchangeOptions {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  readonly tokenDigest: string;
  readonly route: ExchangeRoute;
  /** The base path as it went out. */
  readonly basePath: string;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly countBytes: CountBytes;
  /** Measures the call, if anything does. */
  readonly times?: CallTimes | undefined;
  /** Keeps the cookies of an answer's head; absent if the service keeps none. */
  readonly takeCookies?: ((rawHeaders: readonly Buffer[]) => void) | undefined;
  /** A part of a secret showed itself as one in the body. May end the exchange. */
  readonly onPartialMatch: (match: PartialMatch) => void;
  /** Sends the same request once more; absent if that might do something twice (RFC 9110 §9.2.2). */
  readonly retry?: (() => void) | undefined;
  /** Called once, when the call is over in either direction. */
  readonly onEnd: (exchange: UpstreamExchange, outcome: ExchangeOutcome) => void;
}

/** An answer of which nothing was given to the caller: until the turn ends in which it came, it may become an error. */
interface Opening {
  readonly writeHead: () => void;
  /** What came of its body. */
  readonly pieces: Buffer[];
  isWhole: boolean;
}

/**
 * One upstream answer on its way to the caller: each piece leaves when it arrives, a slow caller slows the upstream,
 * a caller that goes away cancels the upstream request, and an answer that breaks off breaks off at the caller too.
 */
export class UpstreamExchange implements Dispatcher.DispatchHandler, EndableCall {
  readonly tokenDigest: string;
  readonly serviceName: string;
  place = NOWHERE;
  readonly #options: ExchangeOptions;
  readonly #search: AnswerSearch | undefined;
  /** Monotonic milliseconds by when the head of the answer has to come. */
  readonly #deadline: number;
  #interims: InterimAnswers | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #gate: ReadGate | undefined;
  #body: AnswerBody | undefined;
  #opening: Opening | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  /** When the caller began to take nothing; undefined while it takes what comes. */
  #stalledSince: number | undefined;
  #ending: VaultProxyError | undefined;
  #status: number | undefined;
  #trailers: readonly Buffer[] = [];
  #scrubbedInHead = 0;
  #retried = false;
  #over = false;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#deadline = options.now() + options.route.responseTimeoutMs;
    this.tokenDigest = options.tokenDigest;
    this.serviceName = options.route.name;
    this.#search = options.route.searchedAnswers?.open();
    const { request, response } = options;
    response.on("close", this.#onCallerClose).on("error", this.#onCallerClose);
    // The answer to a pipelined request has no socket yet, and is not told when that closes.
    request.socket.on("close", this.#onCallerClose);
  }

  get isOver(): boolean {
    return this.#over;
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
    else this.#options.times?.requestSent();
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _headers: unknown,
    reason = "",
  ): void {
    if (this.#over) return;
    // undici takes 099 for an interim answer, and would pass it on.
    if (status < 100) throw new VaultProxyError("upstream_failed", "the upstream's answer is not valid HTTP");
    const { request, response, requestId, route, takeCookies } = this.#options;
    const rawHeaders = controller.rawHeaders as Buffer[];
    if (status >= 200) this.#options.times?.answerCame();
    // First of all: this very answer may show elsewhere what it sets. An interim answer sets nothing.
    if (status >= 200) takeCookies?.(rawHeaders);
    const search = this.#search;
    const head = readAnswerHead(
      { status, reason, isHttp10: route.currentGate()?.isHttp10 === true },
      rawHeaders,
      this.#locationContext(),
      search?.matcher,
    );
    this.#scrubbedInHead += head.hits;
    if (status < 200) {
      this.#passInterim(status, head.headers);
      return;
    }
    const isSearched = search !== undefined;
    const plan = planAnswer(request.method ?? "GET", status, head.unscrubbed, isSearched, route.readBodyType);
    if (plan.kind === "refuse") {
      throw new VaultProxyError("upstream_failed", UNREADABLE);
    }
    const isDecoded = plan.kind === "scrub" && plan.codings.length > 0;
    const headers = isDecoded ? headOfDecoded(head.headers) : head.headers;
    headers.push(...SANDBOX_HEADERS, "X-Vault-Request-Id", requestId);
    this.#gate = route.currentGate();
    this.#body = createAnswerBody(response, plan, search && (() => search.matcher), {
      onDrain: this.#onDrain,
      onEnd: this.#onBodyEnd,
      onFailure: () => this.#breakOff(UNREADABLE),
      onPartialMatch: this.#options.onPartialMatch,
    });
    this.#status = status;
    // These have no body whatever their headers say (RFC 9110 §8.6), and undici would miss it.
    const isWhole = status === 204 || status === 304;
    this.#opening = {
      writeHead: () => response.writeHead(status, head.reason, headers),
      pieces: [],
      isWhole,
    };
    if (isWhole) {
      this.#open();
      return;
    }
    atTurnEnd(this.#open);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#over || this.#body === undefined) return;
    this.#options.countBytes(chunk.length);
    if (this.isOver) return;
    this.#idleTimer?.refresh();
    if (this.#opening === undefined) {
      const { socket } = this.#options.response;
      if (socket !== null && chunk.length < SMALL_BYTES) corkForTurn(socket);
      this.#pass(this.#body, chunk);
    } else this.#opening.pieces.push(chunk);
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    this.#gate?.answerEnded();
    if (this.#over) return;
    // An answer that ends with its connection ends well only if the connection did.
    if (this.#gate !== undefined && this.#gate.failure !== null) {
      this.#fail(new VaultProxyError("upstream_failed", "the upstream broke off its answer"));
      return;
    }
    this.#trailers = (controller.rawTrailers ?? []) as Buffer[];
    if (this.#opening === undefined) this.#body?.end();
    else this.#opening.isWhole = true;
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#over) return;
    if (this.#mayRetry(error)) {
      this.#retried = true;
      this.#controller = undefined;
      this.#options.retry?.();
      return;
    }
    this.#fail(this.#ending ?? describeUpstreamError(error));
  }

  /** A kept-alive connection may be closed by the upstream in the moment in which it is used (RFC 9112 §9.3.1). */
  #mayRetry(error: Error): boolean {
    const isUntouched =
      this.#status === undefined && this.#interims === undefined && this.#ending === undefined;
    return isUntouched && !this.#retried && this.#options.retry !== undefined && isConnectionLoss(error);
  }

  #locationContext(): { service: string; origin: string; basePath: string } {
    const { route, basePath } = this.#options;
    return { service: route.name, origin: route.origin, basePath };
  }

  #passInterim(status: number, headers: readonly string[]): void {
    const { request, response } = this.#options;
    this.#interims ??= new InterimAnswers(this.#options.now, this.#deadline);
    this.#interims.count(status);
    // Only the answer whose turn it is has a socket: of a pipelined one the interim answer is left out.
    if (request.httpVersion === "1.1" && !response.headersSent)
      response.socket?.write(encodeInterim(status, headers));
  }

  #pass(body: AnswerBody, chunk: Buffer): void {
    if (body.write(chunk)) return;
    this.#stalledSince ??= this.#options.now();
    this.#gate?.close();
  }

  /** A head that leaves with the body needs no write of its own. */
  #flushHead(body: AnswerBody): void {
    if (!this.#over && !body.hasWritten) this.#options.response.flushHeaders();
  }

  #breakOff(why: string): void {
    const error = new VaultProxyError("upstream_failed", why);
    this.#controller?.abort(error);
    this.#fail(error);
  }

  #fail(error: VaultProxyError): void {
    const { request, response, requestId } = this.#options;
    if (this.#over) return;
    this.#finish(error);
    if (response.headersSent) breakOff(request, response);
    else answerError(request, response, error, { requestId });
  }

  #finish(error: VaultProxyError | undefined): void {
    this.#over = true;
    clearTimeout(this.#idleTimer);
    this.#gate?.open();
    this.#body?.abandon();
    this.#search?.close();
    this.#options.request.socket.off("close", this.#onCallerClose);
    const scrubbed = this.#scrubbedInHead + (this.#body?.hits ?? 0);
    const isPassedOn = error === undefined || this.#options.response.headersSent;
    this.#options.onEnd(this, { status: this.#status, isPassedOn, error, scrubbed });
  }

  readonly #onBodyEnd = (): void => {
    if (this.#over) return;
    const { request, response } = this.#options;
    if (this.#trailers.length > 0) {
      const { headers, hits } = readTrailers(this.#trailers, this.#search?.matcher);
      this.#scrubbedInHead += hits;
      response.addTrailers(fieldPairs(headers));
    }
    // The upstream did not wait for the whole of the request.
    discardRest(request);
    response.end();
    this.#finish(undefined);
  };

  /**
   * Gives the caller the head, and what came with it in one write; in the same turn, but after all that came in one
   * read. So an answer that is broken before its first byte left is an error, and none that is sound is delayed for it.
   */
  readonly #open = (): void => {
    const opening = this.#opening;
    const body = this.#body;
    this.#opening = undefined;
    if (this.#over || opening === undefined || body === undefined) return;
    if (!opening.isWhole) this.#idleTimer = setTimeout(this.#onIdle, this.#options.route.idleTimeoutMs);
    // undici says so when the connection is closed.
    if (!opening.isWhole && this.#gate !== undefined && this.#gate.failure !== null) return;
    if (!body.mayBegin(opening.pieces)) {
      this.#breakOff(UNREADABLE);
      return;
    }
    try {
      opening.writeHead();
    } catch {
      this.#breakOff("the upstream's answer is not valid HTTP");
      return;
    }
    this.#options.times?.answerLeft();
    for (const piece of opening.pieces) {
      // What a piece holds may end the call.
      if (this.isOver) return;
      this.#pass(body, piece);
    }
    if (this.isOver) return;
    if (opening.isWhole) body.end();
    this.#flushHead(body);
  };

  readonly #onDrain = (): void => {
    this.#stalledSince = undefined;
    this.#idleTimer?.refresh();
    this.#gate?.open();
  };

  readonly #onIdle = (): void => {
    const { now, route } = this.#options;
    const stalledSince = this.#stalledSince;
    if (stalledSince === undefined) {
      this.#endIdle(new VaultProxyError("upstream_timeout", "the upstream stopped sending its answer"));
    } else if (now() - stalledSince >= STALLED_CALLER_FACTOR * route.idleTimeoutMs) {
      this.#endIdle(new VaultProxyError("invalid_request", "the caller stopped reading its answer"));
    } else {
      this.#idleTimer?.refresh();
    }
  };

  #endIdle(error: VaultProxyError): void {
    this.#controller?.abort(error);
    this.#fail(error);
  }

  readonly #onCallerClose = (): void => {
    if (this.#over) return;
    const left = callerLeft();
    this.#finish(left);
    this.#controller?.abort(left);
  };
}

function callerLeft(): VaultProxyError {
  return new VaultProxyError("invalid_request", "the caller went away");
}

/** A caller of HTTP/1.0 knows the end of a body by the end of the connection, so that must not look like one. */
function breakOff(request: IncomingMessage, response: ServerResponse): void {
  const { socket } = request;
  // What came ahead of the break, and is kept for the end of the turn, leaves first.
  while (socket.writableCorked > 0) socket.uncork();
  if (request.httpVersion === "1.0" && !(socket instanceof TLSSocket)) socket.resetAndDestroy();
  else response.destroy();
}
