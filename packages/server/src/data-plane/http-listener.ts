import { randomUUID } from "node:crypto";
import {
  createServer as createHttpServer,
  IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { BrowserGuard } from "../network/browser-guard.js";
import type { Logger } from "../redaction/logger.js";
import { capConnections } from "./connection-cap.js";
import { CONTROL_BODY_TIMES, limitBodyTime, type ControlBodyTimes } from "./control-body-time.js";
import { sayContinue } from "./continue-answer.js";
import { ALLOW_HEADER, answerError, answerErrorOnSocket } from "./own-answer.js";
import type { IncomingUpgrade, ProxyPipeline } from "./proxy-pipeline.js";
import { createUnansweredRequests, MAX_UNANSWERED } from "./unanswered-requests.js";

/** What one caller may cost before its request is even understood. */
const LIMITS = {
  /** Request line and all header fields together: room for a path of 8 KB beside large headers. */
  maxHeaderBytes: 64 * 1024,
  headersTimeoutMs: 30_000,
  /** None: an upload may take as long as it flows; a stalled one is the idle time-out's business. */
  requestTimeoutMs: 0,
  keepAliveTimeoutMs: 65_000,
  stalledSocketsCheckMs: 5_000,
} as const;

export interface HttpListenerParts {
  /** Serves HTTPS if given. */
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | undefined;
  readonly guard: BrowserGuard;
  readonly proxy: ProxyPipeline;
  /** Serves WebSockets at `/ssh/{service}/session`. Answers every failure itself; never throws. */
  readonly shells: { upgrade(upgrade: IncomingUpgrade): void };
  /** Everything that is not `/proxy/…`. */
  readonly controlPlane: (
    request: IncomingMessage,
    response: ServerResponse,
    call: { readonly requestId: string; readonly allowUpload: () => void },
  ) => void;
  readonly controlBodyTimes?: ControlBodyTimes;
  /** Connections in all; one more is closed at once. */
  readonly maxConnections: number;
  /** Hears of requests that no route sees. */
  readonly onRefused?: ((error: VaultProxyError) => void) | undefined;
  readonly log: Logger;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/**
 * The door: gives each request its id, refuses what no route may see, and sends it to its plane by one look at the
 * raw path.
 */
export function createHttpListener(parts: HttpListenerParts): Server {
  const options: ServerOptions = {
    maxHeaderSize: LIMITS.maxHeaderBytes,
    headersTimeout: LIMITS.headersTimeoutMs,
    requestTimeout: LIMITS.requestTimeoutMs,
    keepAliveTimeout: LIMITS.keepAliveTimeoutMs,
    connectionsCheckingInterval: LIMITS.stalledSocketsCheckMs,
    insecureHTTPParser: false,
    // The guard looks at Host itself, and answers as the vault answers.
    requireHostHeader: false,
    noDelay: true,
    IncomingMessage: CallMessage,
  };
  const server =
    parts.tls === undefined
      ? createHttpServer(options)
      : createHttpsServer({ ...options, ...parts.tls, minVersion: "TLSv1.2", ALPNProtocols: ["http/1.1"] });
  // Node drops what is above a count without a word; the bytes are bounded already.
  server.maxHeadersCount = 0;
  capConnections(server, parts.maxConnections, parts.log, parts.now);

  // Each call that runs on a connection listens for its end, and a caller may pipeline many.
  server.on("connection", (socket: Socket) => socket.setMaxListeners(0));
  server.on("secureConnection", (socket: Socket) => socket.setMaxListeners(0));
  const unanswered = createUnansweredRequests();

  /** An answer that runs or waits on the connection must not be taken for this one, or go on with it. */
  const answerUnlessBusy = (socket: Duplex, error: VaultProxyError): void => {
    // Node has let go of the socket, so that a reset would be an error that nobody hears.
    socket.on("error", () => socket.destroy());
    parts.onRefused?.(error);
    if (unanswered.on(socket) > 0) socket.destroy();
    else answerErrorOnSocket(socket, error, { requestId: randomUUID() });
  };

  const admit = (request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void => {
    const underWay = unanswered.add(request.socket, response);
    if (underWay === undefined) return;
    // HTTP/1.0 knows no chunks: where such a message ends is in doubt, and so where the next begins (RFC 9112 §6.1).
    if (request.httpVersion === "1.0" && request.headers["transfer-encoding"] !== undefined) {
      response.shouldKeepAlive = false;
    }
    const requestId = randomUUID();
    const target = request.url ?? "/";
    const isProxied = isProxyTarget(target);
    const isCrowded = underWay > MAX_UNANSWERED;
    const refusal = isCrowded ? tooManyAtOnce() : refuse(request, target, parts.guard);
    if (refusal !== undefined) {
      parts.onRefused?.(refusal);
      const extraHeaders = refusal.code === "method_not_allowed" ? ALLOW_HEADER : [];
      answerError(request, response, refusal, { requestId, extraHeaders });
    } else if (isProxied) {
      parts.proxy.call({ request, response, target, requestId, expectsContinue });
    } else {
      if (expectsContinue) sayContinue(response);
      const allowUpload = limitBodyTime(request, parts.controlBodyTimes ?? CONTROL_BODY_TIMES);
      request.url = originForm(target);
      // The guard has judged it. What comes behind makes a URL of it, and must not stumble over odd ones.
      request.headers.host = "localhost";
      parts.controlPlane(request, response, { requestId, allowUpload });
    }
  };

  const refuseExpectation = (request: IncomingMessage, response: ServerResponse): void => {
    if (unanswered.add(request.socket, response) === undefined) return;
    const refusal = new VaultProxyError("expectation_failed", "only Expect: 100-continue is understood");
    parts.onRefused?.(refusal);
    answerError(request, response, refusal, { requestId: randomUUID() });
  };

  server.on("request", (request, response) => admit(request, response, false));
  server.on("checkContinue", (request, response) => {
    if (expectsNothingElse(request)) admit(request, response, true);
    else refuseExpectation(request, response);
  });
  server.on("checkExpectation", refuseExpectation);
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // As above, also for as long as the call waits for a credential.
    socket.on("error", () => socket.destroy());
    const target = request.url ?? "/";
    const refusal = refuse(request, target, parts.guard);
    const plane = isProxyTarget(target) ? parts.proxy : isShellTarget(target) ? parts.shells : undefined;
    if (refusal !== undefined) {
      answerUnlessBusy(socket, refusal);
    } else if (plane === undefined) {
      answerUnlessBusy(socket, new VaultProxyError("not_implemented", "no WebSocket is spoken here"));
    } else if (unanswered.on(socket) > 0) {
      // Behind a call that still runs there is no telling when the connection is free to be switched.
      answerUnlessBusy(
        socket,
        new VaultProxyError("invalid_request", "a WebSocket wants a connection of its own"),
      );
    } else if (socket instanceof Socket) {
      plane.upgrade({ request, socket, head, target, requestId: randomUUID() });
    }
  });
  server.on("connect", (_request: IncomingMessage, socket: Duplex) => {
    answerUnlessBusy(socket, new VaultProxyError("method_not_allowed", "CONNECT is not supported"));
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (error.code === "ECONNRESET" || !socket.writable) socket.destroy();
    else answerUnlessBusy(socket, describeParserError(error.code));
  });
  return server;
}

/**
 * Node hands every request that asks for an upgrade to the `upgrade` event, if that has a listener. Only one to WebSocket
 * is meant: another (such as h2c, which Java's client asks for each time) is a request like any other (RFC 9110 §7.8).
 */
class CallMessage extends IncomingMessage {
  // Not a private field: Node's constructor sets `upgrade` before those of a subclass exist.
  private asksForUpgrade: boolean | null | undefined;

  get upgrade(): boolean {
    if (this.asksForUpgrade !== true) return false;
    return this.method === "CONNECT" || this.headers.upgrade?.trim().toLowerCase() === "websocket";
  }

  set upgrade(asks: boolean | null) {
    this.asksForUpgrade = asks;
  }
}

/** Node asks this wherever `100-continue` stands among the expectations (RFC 9110 §10.1.1). */
function expectsNothingElse({ headers }: IncomingMessage): boolean {
  const expectations = (headers.expect ?? "").split(",").map((each) => each.trim().toLowerCase());
  return expectations.every((each) => each === "100-continue" || each === "");
}

function tooManyAtOnce(): VaultProxyError {
  const message = "too many requests at once on one connection";
  return new VaultProxyError("rate_limited", message, { retryAfterSeconds: 1 });
}

function refuse(request: IncomingMessage, target: string, guard: BrowserGuard): VaultProxyError | undefined {
  // Node's parser reads others too, such as HTTP/2.0 in this syntax.
  if (request.httpVersionMajor !== 1) {
    return new VaultProxyError("invalid_request", "only HTTP/1.1 and HTTP/1.0 are understood");
  }
  if (request.method === "TRACE") return new VaultProxyError("method_not_allowed", "TRACE is not supported");
  return guard(request.rawHeaders, request.method ?? "GET", target);
}

/** Absolute-form targets (RFC 9112 §3.2.2) are proxied calls too: their authority never picks anything. */
function isProxyTarget(target: string): boolean {
  return /^(?:https?:\/\/[^/?#]*)?\/proxy(?:[/?]|$)/i.test(target);
}

function isShellTarget(target: string): boolean {
  return /^\/ssh\/[^/?]*\/session(?:\?|$)/.test(originForm(target));
}

/** What a control-plane route sees: an origin-form target (RFC 9112 §3.2.1) that any URL parser takes. */
function originForm(target: string): string {
  const path = target.replace(/^https?:\/\/[^/?#]*/i, "").replaceAll("\\", "%5C");
  return path.startsWith("/") ? path : `/${path}`;
}

function describeParserError(code: string | undefined): VaultProxyError {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return new VaultProxyError("headers_too_large", "the request's header is too large");
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new VaultProxyError("invalid_request", "the request took too long to arrive");
    default:
      return new VaultProxyError("invalid_request", "this is not a valid HTTP/1.1 request");
  }
}
