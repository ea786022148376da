import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Grant } from "../authorization/grant.js";
import type { OutgoingRequest } from "../auth-strategies/auth-strategy.js";
import { toVaultProxyError, VaultProxyError } from "../errors/vault-proxy-error.js";
import { canonicalHeaderName } from "../network/header-policy.js";
import { describeThrown } from "../redaction/logger.js";
import type { OutboundScan } from "../scrubbing/outbound-scan.js";
import { isTextual } from "../scrubbing/textual-content.js";
import { atTurnEnd } from "../wire/turn-end.js";
import {
  admit,
  begin,
  leave,
  secretInRequest,
  type AdmissionParts,
  type AdmittedCall,
} from "./call-admission.js";
import { CallAudit, type CallAuditParts } from "./call-audit.js";
import type { CountBytes } from "./chunk-collector.js";
import { sayContinue } from "./continue-answer.js";
import { injectCredential } from "./credential-injection.js";
import { watchGuesses, type GuessWatchParts } from "./guess-watch.js";
import { countForward } from "./max-forwards.js";
import { answerError, answerErrorOnSocket, answerOptions } from "./own-answer.js";
import { absolutePathOf, addSessionCookies, pathOf, withoutHeader } from "./outgoing-request.js";
import { OutgoingBody } from "./outgoing-body.js";
import { bodyFraming, bodyTooLarge, type BodyFraming } from "./request-body.js";
import { renewingFor } from "./renewing-handler.js";
import type { ServiceRoute } from "./service-routes.js";
import { UpstreamExchange, type ExchangeOptions, type ExchangeOutcome } from "./upstream-exchange.js";
import { WebSocketExchange } from "./websocket-exchange.js";

/** RFC 9110 §9.2.2; PUT and DELETE too, as far as they have no body. */
const IDEMPOTENT_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);

export interface ProxyPipelineParts extends GuessWatchParts, CallAuditParts, AdmissionParts {
  readonly countBytes: CountBytes;
  /** Takes a call, or an upgrade, that ended with `thrown` before anything was done, if another process makes it. */
  readonly handOver?: ((thrown: unknown, call: IncomingCall | IncomingUpgrade) => boolean) | undefined;
}

/** A call as it comes from the listener. */
export interface IncomingCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The raw request target, absolute-form included. */
  readonly target: string;
  readonly requestId: string;
  /** The caller waits for `100 Continue` before it sends its body (RFC 9110 §10.1.1). */
  readonly expectsContinue: boolean;
}

/** A WebSocket handshake as it comes from the listener, which has let go of the connection. */
export interface IncomingUpgrade {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  /** What came behind the head of the request already. */
  readonly head: Buffer;
  readonly target: string;
  readonly requestId: string;
}

export interface ProxyPipeline {
  call(call: IncomingCall): void;
  upgrade(upgrade: IncomingUpgrade): void;
}

/**
 * `ANY /proxy/{service}/{path…}`: authenticate → authorize → resolve → inject → forward. Answers every failure itself;
 * never throws.
 */
export function createProxyPipeline(parts: ProxyPipelineParts): ProxyPipeline {
  return {
    call(call) {
      const audit = new CallAudit(parts, call);
      guarded(
        () => run(parts, call, audit),
        (thrown) => parts.handOver?.(thrown, call) === true || fail(parts, call, thrown, audit),
      );
    },
    upgrade(upgrade) {
      const audit = new CallAudit(parts, upgrade);
      guarded(
        () => runUpgrade(parts, upgrade, audit),
        (thrown) => parts.handOver?.(thrown, upgrade) === true || failUpgrade(parts, upgrade, thrown, audit),
      );
    },
  };
}

function guarded(task: () => Promise<void> | undefined, onFailure: (thrown: unknown) => unknown): void {
  try {
    task()?.catch(onFailure);
  } catch (thrown) {
    onFailure(thrown);
  }
}

function fail(parts: ProxyPipelineParts, call: IncomingCall, thrown: unknown, audit: CallAudit): void {
  const error = logged(parts, call.requestId, thrown);
  audit.end(undefined, error);
  if (call.response.headersSent) call.response.destroy();
  else answerError(call.request, call.response, error, { requestId: call.requestId });
}

function failUpgrade(
  parts: ProxyPipelineParts,
  upgrade: IncomingUpgrade,
  thrown: unknown,
  audit: CallAudit,
): void {
  const error = logged(parts, upgrade.requestId, thrown);
  audit.end(undefined, error);
  upgrade.socket.on("error", () => upgrade.socket.destroy());
  answerErrorOnSocket(upgrade.socket, error, { requestId: upgrade.requestId });
}

function logged(parts: ProxyPipelineParts, requestId: string, thrown: unknown): VaultProxyError {
  const error = toVaultProxyError(thrown);
  if (error.code === "internal") {
    parts.log.error({ request_id: requestId, ...describeThrown(error.cause) }, "proxied call failed inside");
  }
  return error;
}

function run(parts: ProxyPipelineParts, call: IncomingCall, audit: CallAudit): Promise<void> | undefined {
  const admitted = admit(parts, call.request, call.target, audit);
  const { route, outgoing, grant } = admitted;
  // The answer to a pipelined request has no socket yet, and is not told when that closes.
  const isGone = (): boolean => call.response.destroyed || call.request.socket.destroyed;
  const end = (reason: VaultProxyError): void => {
    grant.release();
    fail(parts, call, reason, audit);
  };
  const task = (search: OutboundScan): Promise<void> | undefined => {
    const framing = bodyFraming(call.request);
    if (countForward(outgoing.method, outgoing.headers)) {
      answerOptions(call.request, call.response, call.requestId);
      audit.isForwarded = true;
      audit.end(200, undefined);
      grant.release();
      return undefined;
    }
    if (framing.contentLength !== undefined && framing.contentLength > route.maxRequestBytes) {
      throw bodyTooLarge(route.maxRequestBytes);
    }
    return injectCredential(parts.calls, admitted, end, () => {
      if (isGone()) leave(grant, audit);
      else forward(parts, call, admitted, { framing, search }, audit);
    });
  };
  return begin(parts, admitted, audit, { isGone, end, task });
}

function runUpgrade(
  parts: ProxyPipelineParts,
  upgrade: IncomingUpgrade,
  audit: CallAudit,
): Promise<void> | undefined {
  const admitted = admit(parts, upgrade.request, upgrade.target, audit);
  const { outgoing, grant } = admitted;
  const isGone = (): boolean => upgrade.socket.destroyed;
  const end = (reason: VaultProxyError): void => {
    grant.release();
    failUpgrade(parts, upgrade, reason, audit);
  };
  const task = (): Promise<void> | undefined => {
    if (outgoing.method !== "GET" || bodyFraming(upgrade.request).hasBody) {
      throw new VaultProxyError("invalid_request", "a WebSocket handshake is a GET without a body");
    }
    if (upgrade.request.httpVersion === "1.0") {
      throw new VaultProxyError("invalid_request", "a WebSocket handshake needs HTTP/1.1");
    }
    return injectCredential(parts.calls, admitted, end, () => {
      if (isGone()) leave(grant, audit);
      else forwardUpgrade(parts, upgrade, admitted, audit);
    });
  };
  return begin(parts, admitted, audit, { isGone, end, task });
}

function forward(
  parts: ProxyPipelineParts,
  call: IncomingCall,
  { token, route, outgoing, grant }: AdmittedCall,
  { framing, search }: { readonly framing: BodyFraming; readonly search: OutboundScan },
  audit: CallAudit,
): void {
  audit.isForwarded = true;
  const { request, response, requestId } = call;
  const startedAt = parts.now();
  /** A call may be sent once more, also after its service was changed. */
  let letGo = (): void => undefined;
  const takeCookies = useCookies(route, outgoing);
  const count = countingFor(parts, grant, (reason) => exchange.end(reason));
  const countBytes: CountBytes = (bytes) => {
    if (count(bytes)) audit.bytesOut += bytes;
  };
  const body = new OutgoingBody(request, framing, {
    limit: route.maxRequestBytes,
    mayRepeat: route.injector.renew !== undefined,
    idleMs: route.idleTimeoutMs,
    countBytes(bytes) {
      if (count(bytes)) audit.bytesIn += bytes;
    },
    inspect:
      search.isNeeded && isTextual(contentTypeOf(request.rawHeaders))
        ? (chunk) => {
            const found = search.push(chunk);
            if (found === undefined) return undefined;
            const refusal = secretInRequest();
            // Before the strike, which may end all calls of the token for another reason.
            exchange.end(refusal);
            parts.strike(token, found);
            return refusal;
          }
        : undefined,
  });
  const path = pathOf(outgoing);
  const send = (): void => {
    if (exchange.isOver) return;
    route.dispatcher.dispatch(
      {
        method: outgoing.method,
        path,
        headers: outgoing.headers,
        body: body.payload,
      },
      renewing ?? exchange,
    );
  };
  const isIdempotent = IDEMPOTENT_METHODS.has(outgoing.method);
  const renewing = renewingFor(route, outgoing, {
    mayRepeat: (isTokenFault) => (isIdempotent || isTokenFault) && body.isKept,
    resend: () => {
      body.repeat();
      send();
    },
    takeCookies,
  });
  const exchange = new UpstreamExchange({
    request,
    response,
    requestId,
    ...{ tokenDigest: token.digest, now: parts.now, times: audit.times(route.name) },
    countBytes,
    route: renewing === undefined ? route : { ...route, currentGate: renewing.currentGate },
    basePath: outgoing.basePath,
    takeCookies,
    onPartialMatch: watchGuesses(parts, { token, route, requestId }),
    retry: !framing.hasBody && isIdempotent ? send : undefined,
    onEnd(ended, outcome) {
      letGo();
      grant.release();
      parts.calls.remove(ended);
      audit.end(outcome.isPassedOn ? outcome.status : undefined, outcome.error);
      logOutcome(parts, { requestId, route, outgoing, startedAt }, outcome);
      if (outcome.error !== undefined) body.drop();
    },
  });
  renewing?.serve(exchange);
  letGo = route.hold();
  parts.calls.add(exchange);
  grant.onWithdrawn((reason) => exchange.end(reason));
  if (exchange.isOver) return;
  if (framing.contentLength !== undefined)
    outgoing.headers.push("Content-Length", String(framing.contentLength));
  if (call.expectsContinue && framing.hasBody) sayContinue(response);
  atTurnEnd(() => {
    if (!exchange.isOver) body.open();
    send();
  });
}

function forwardUpgrade(
  parts: ProxyPipelineParts,
  { request, socket, head, requestId }: IncomingUpgrade,
  { token, route, outgoing, grant }: AdmittedCall,
  audit: CallAudit,
): void {
  audit.isForwarded = true;
  const startedAt = parts.now();
  /** A call may be sent once more, also after its service was changed. */
  let letGo = (): void => undefined;
  const takeCookies = useCookies(route, outgoing);
  const count = countingFor(parts, grant, (reason) => exchange.end(reason));
  const renewing = renewingFor(route, outgoing, { mayRepeat: () => true, resend: send, takeCookies });
  const exchange = new WebSocketExchange({
    request,
    socket,
    head,
    requestId,
    ...{ tokenDigest: token.digest, now: parts.now, times: audit.times(route.name) },
    countBytes(bytes) {
      if (count(bytes)) audit.bytesOut += bytes;
    },
    route: renewing === undefined ? route : { ...route, currentGate: renewing.currentGate },
    basePath: outgoing.basePath,
    takeCookies,
    onPartialMatch: watchGuesses(parts, { token, route, requestId }),
    onEnd(ended, outcome) {
      letGo();
      grant.release();
      parts.calls.remove(ended);
      audit.end(outcome.isPassedOn ? outcome.status : undefined, outcome.error);
      logOutcome(parts, { requestId, route, outgoing, startedAt }, outcome);
    },
  });
  renewing?.serve(exchange);
  letGo = route.hold();
  parts.calls.add(exchange);
  grant.onWithdrawn((reason) => exchange.end(reason));
  if (!exchange.isOver) send();

  function send(): void {
    route.dispatcher.dispatch(
      {
        method: "GET",
        path: pathOf(outgoing),
        headers: withoutHeader(outgoing.headers, "sec-websocket-extensions"),
        upgrade: "websocket",
      },
      renewing ?? exchange,
    );
  }
}

/** Counts a call's bytes, also against the limits of its token: false where these end it, and the bytes go no further. */
function countingFor(
  parts: ProxyPipelineParts,
  grant: Grant,
  end: (reason: VaultProxyError) => void,
): (bytes: number) => boolean {
  return (bytes) => {
    parts.countBytes(bytes);
    const refusal = grant.takeBytes(bytes);
    if (refusal !== undefined) end(refusal);
    return refusal === undefined;
  };
}

/** Adds the service's cookies. Gives what takes those of the answer. */
function useCookies({ cookieJar }: ServiceRoute, outgoing: OutgoingRequest): ExchangeOptions["takeCookies"] {
  if (cookieJar === undefined) return undefined;
  addSessionCookies(outgoing, cookieJar);
  let taken: readonly Buffer[] | undefined;
  return (rawHeaders) => {
    // Of an answer that was held they were taken when it came; others may be newer by now.
    if (rawHeaders === taken) return;
    taken = rawHeaders;
    cookieJar.take(rawHeaders, absolutePathOf(outgoing));
  };
}

/** All fields of that name: Node gives the first, and the upstream may go by another. */
function contentTypeOf(rawHeaders: readonly string[]): string | undefined {
  const values = rawHeaders.filter(
    (_, index) => index % 2 === 1 && canonicalHeaderName(rawHeaders[index - 1] ?? "") === "content-type",
  );
  return values.length === 0 ? undefined : values.join(", ");
}

function logOutcome(
  parts: ProxyPipelineParts,
  call: { requestId: string; route: ServiceRoute; outgoing: OutgoingRequest; startedAt: number },
  outcome: ExchangeOutcome,
): void {
  const { requestId, route, outgoing, startedAt } = call;
  if (outcome.scrubbed > 0) {
    parts.log.warn(
      { request_id: requestId, service: route.name, occurrences: outcome.scrubbed },
      "the upstream sent a credential back: overwritten",
    );
  }
  parts.log.debug(
    {
      request_id: requestId,
      service: route.name,
      method: outgoing.method,
      status: outcome.status,
      error: outcome.error?.code,
      scrubbed: outcome.scrubbed,
      milliseconds: Math.round(parts.now() - startedAt),
    },
    "proxied call",
  );
}
