import { ServerResponse, STATUS_CODES, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Dispatcher } from "undici";
import { NOWHERE } from "../collections/live-list.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { describeUpstreamError } from "../network/upstream-errors.js";
import { readAnswerHead } from "./answer-head.js";
import type { AnswerSearch } from "./answer-search.js";
import type { EndableCall } from "./in-flight-calls.js";
import { InterimAnswers } from "./interim-answers.js";
import { answerErrorOnSocket } from "./own-answer.js";
import { ScrubbedOutput } from "./scrubbed-output.js";
import { UpstreamExchange, type ExchangeOptions, type ExchangeOutcome } from "./upstream-exchange.js";

const SWITCHING_PROTOCOLS = 101;
/** How often a silent peer is asked by TCP whether it is still there. */
const KEEP_ALIVE_MS = 30_000;
/** How long the other side may take to say goodbye when one side has. */
const CLOSING_MS = 5_000;
/** What a caller may send before its handshake is answered, though it must send nothing (RFC 6455 §4.1). */
const MAX_EARLY_BYTES = 64 * 1024;

export interface WebSocketOptions extends Omit<ExchangeOptions, "response" | "retry" | "onEnd"> {
  /** The caller's connection, of which Node has let go. */
  readonly socket: Socket;
  /** What came behind the head of the request already. */
  readonly head: Buffer;
  /** Called once, when both directions are closed or the call has failed. */
  readonly onEnd: (exchange: EndableCall, outcome: ExchangeOutcome) => void;
}

/**
 * A WebSocket handshake (RFC 6455 §4) on its way to the upstream, and then the two connections joined. What the upstream
 * sends is searched for secrets as a stream of bytes: its frames are not masked (§5.1), and lengths stay, so that the
 * framing does. An upstream that does not switch protocols is heard out as in any other call.
 */
export class WebSocketExchange implements Dispatcher.DispatchHandler, EndableCall {
  readonly tokenDigest: string;
  readonly serviceName: string;
  place = NOWHERE;
  readonly #options: WebSocketOptions;
  readonly #search: AnswerSearch | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  /** Set when the upstream answers without switching. */
  #plainExchange: UpstreamExchange | undefined;
  #upstream: Duplex | undefined;
  #output: ScrubbedOutput | undefined;
  readonly #interims: InterimAnswers;
  /** What the caller has sent since its handshake, until that is answered. */
  readonly #early: Buffer[];
  #earlyBytes = 0;
  #scrubbedInHead = 0;
  #over = false;

  constructor(options: WebSocketOptions) {
    this.#options = options;
    this.tokenDigest = options.tokenDigest;
    this.serviceName = options.route.name;
    this.#search = options.route.searchedAnswers?.open();
    this.#interims = new InterimAnswers(options.now, options.now() + options.route.responseTimeoutMs);
    this.#early = [options.head];
    options.socket.on("close", this.#onCallerClose).on("error", this.#onCallerClose);
    // Only a connection that is read tells that the caller has left.
    options.socket.on("end", this.#onCallerClose).on("data", this.#onEarlyData);
  }

  get isOver(): boolean {
    return this.#over;
  }

  end(reason: VaultProxyError): void {
    if (this.#plainExchange !== undefined) {
      this.#plainExchange.end(reason);
    } else if (!this.#over) {
      this.#controller?.abort(reason);
      this.#fail(reason);
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#over) controller.abort(callerLeft());
    else this.#options.times?.requestSent();
  }

  onRequestUpgrade(
    controller: Dispatcher.DispatchController,
    status: number,
    _headers: unknown,
    upstream: Duplex,
  ): void {
    if (this.#over) {
      upstream.on("error", ignore).destroy();
      return;
    }
    const { route, socket, basePath, requestId, takeCookies, times } = this.#options;
    times?.answerCame();
    upstream.on("error", ignore);
    const rawHeaders = controller.rawHeaders as Buffer[];
    if (!namesWebSocket(rawHeaders)) {
      throw new VaultProxyError("upstream_failed", "the upstream switched to something else than WebSocket");
    }
    takeCookies?.(rawHeaders);
    const location = { service: route.name, origin: route.origin, basePath };
    const start = { status, reason: "", isHttp10: route.currentGate()?.isHttp10 === true };
    const head = readAnswerHead(start, rawHeaders, location, this.#search?.matcher);
    this.#upstream = upstream;
    this.#scrubbedInHead = head.hits;
    const headers = [...withoutExtensions(head.headers), "X-Vault-Request-Id", requestId];
    socket.write(encodeSwitch(status, headers));
    times?.answerLeft();
    keepAlive(socket);
    keepAlive(upstream);
    this.#stopAwaiting();
    this.#join(socket, upstream, Buffer.concat(this.#early.splice(0)));
  }

  onResponseStart(...args: Parameters<UpstreamExchange["onResponseStart"]>): void {
    const [controller, status] = args;
    if (this.#over) return;
    if (status < 200) {
      this.#interims.count(status);
      return;
    }
    this.#plainExchange ??= this.#answerPlainly(controller);
    this.#plainExchange.onResponseStart(...args);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#plainExchange?.onResponseData(controller, chunk);
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    this.#plainExchange?.onResponseEnd(controller);
  }

  onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#plainExchange !== undefined) this.#plainExchange.onResponseError(controller, error);
    else if (!this.#over) this.#fail(describeUpstreamError(error));
  }

  /** The upstream's answer is none to an upgrade: the caller's connection gets a response again, its last. */
  #answerPlainly(controller: Dispatcher.DispatchController): UpstreamExchange {
    const { socket, onEnd, ...shared } = this.#options;
    this.#stopAwaiting();
    socket.off("close", this.#onCallerClose).off("error", this.#onCallerClose).on("error", ignore);
    const response = new LastResponse(shared.request, socket);
    const exchange = new UpstreamExchange({
      ...shared,
      response,
      onEnd: (_ended, outcome) => {
        this.#over = true;
        this.#search?.close();
        onEnd(this, outcome);
      },
    });
    exchange.onRequestStart(controller);
    return exchange;
  }

  /** The handshake is answered: what the caller sends, and that it ends, means something else now. */
  #stopAwaiting(): void {
    this.#options.socket.off("end", this.#onCallerClose).off("data", this.#onEarlyData);
  }

  #join(caller: Duplex, upstream: Duplex, behindHead: Buffer): void {
    const { countBytes, onPartialMatch } = this.#options;
    const search = this.#search;
    const output =
      search && new ScrubbedOutput(caller, () => search.matcher, { edges: false, onPartialMatch });
    this.#output = output;
    if (behindHead.length > 0) upstream.write(behindHead);

    caller.on("data", (chunk: Buffer) => {
      countBytes(chunk.length);
      // That may have ended the call.
      if (this.#over) return;
      if (!upstream.write(chunk)) caller.pause();
    });
    upstream.on("drain", () => caller.resume());
    caller.on("end", () => {
      upstream.end();
      this.#closeSoon();
    });

    upstream.on("data", (chunk: Buffer) => {
      if (this.#over) return;
      countBytes(chunk.length);
      if (this.isOver) return;
      if (!(output ?? caller).write(chunk)) upstream.pause();
    });
    caller.on("drain", () => upstream.resume());
    upstream.on("end", () => {
      if (this.#over) return;
      output?.finish();
      caller.end();
      this.#closeSoon();
    });
    upstream.on("close", () => this.#finish(undefined));
    caller.resume();
    upstream.resume();
  }

  #closeSoon(): void {
    setTimeout(() => this.#finish(undefined), CLOSING_MS).unref();
  }

  #fail(error: VaultProxyError): void {
    if (this.#over) return;
    const { socket, requestId } = this.#options;
    const hasSwitched = this.#upstream !== undefined;
    this.#stopAwaiting();
    socket.off("close", this.#onCallerClose);
    if (hasSwitched) socket.destroy();
    else answerErrorOnSocket(socket, error, { requestId });
    this.#finish(error);
  }

  #finish(error: VaultProxyError | undefined): void {
    if (this.#over) return;
    this.#over = true;
    const { socket, onEnd } = this.#options;
    this.#output?.abandon();
    this.#search?.close();
    this.#upstream?.destroy();
    // What was written to the caller before the upstream's end still leaves; a caller that is gone is none.
    if (this.#upstream !== undefined) socket.destroySoon();
    const scrubbed = this.#scrubbedInHead + (this.#output?.hits ?? 0);
    const status = this.#upstream === undefined ? undefined : SWITCHING_PROTOCOLS;
    onEnd(this, { status, isPassedOn: true, error, scrubbed });
  }

  readonly #onCallerClose = (): void => {
    if (this.#over) return;
    if (this.#upstream === undefined) this.#controller?.abort(callerLeft());
    this.#finish(this.#upstream === undefined ? callerLeft() : undefined);
    this.#options.socket.destroy();
  };

  readonly #onEarlyData = (chunk: Buffer): void => {
    this.#early.push(chunk);
    this.#earlyBytes += chunk.length;
    if (this.#earlyBytes <= MAX_EARLY_BYTES) return;
    this.end(new VaultProxyError("invalid_request", "nothing may be sent before the handshake is answered"));
  };
}

/** A response on a connection that is no server's any more: it closes with it. */
class LastResponse extends ServerResponse {
  constructor(request: IncomingMessage, socket: Socket) {
    super(request);
    this.shouldKeepAlive = false;
    this.assignSocket(socket);
    this.once("finish", () => {
      this.detachSocket(socket);
      socket.destroySoon();
    });
    // As for any other call, a caller that has nothing more to say has left.
    socket.on("end", () => socket.destroySoon());
    // The server would pass these on; it has let go of the connection.
    socket.on("drain", () => this.emit("drain"));
    socket.resume();
  }
}

function encodeSwitch(status: number, headers: readonly string[]): Buffer {
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`;
  for (let index = 0; index + 1 < headers.length; index += 2) {
    head += `${headers[index] ?? ""}: ${headers[index + 1] ?? ""}\r\n`;
  }
  return Buffer.from(`${head}\r\n`, "latin1");
}

/** RFC 6455 §4.1: what the upstream switches to, as it says. */
function namesWebSocket(rawHeaders: readonly Buffer[]): boolean {
  const named = rawHeaders.filter(
    (_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toString("latin1").toLowerCase() === "upgrade",
  );
  return named.length === 1 && named[0]?.toString("latin1").trim().toLowerCase() === "websocket";
}

/** None was offered. A compressed stream could not be searched. */
function withoutExtensions(headers: readonly string[]): string[] {
  return headers.filter((_, index) => {
    const name = headers[index - (index % 2)] ?? "";
    return name.toLowerCase() !== "sec-websocket-extensions";
  });
}

function keepAlive(connection: Duplex): void {
  const socket = connection as Partial<Socket>;
  socket.setTimeout?.(0);
  socket.setNoDelay?.(true);
  socket.setKeepAlive?.(true, KEEP_ALIVE_MS);
}

function callerLeft(): VaultProxyError {
  return new VaultProxyError("invalid_request", "the caller went away");
}

/** A connection that is going away may still report an error; its end is heard by other means. */
function ignore(): void {
  return undefined;
}
