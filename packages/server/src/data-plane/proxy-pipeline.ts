import type { IncomingMessage, ServerResponse } from "node:http";
import type { OutgoingRequest } from "../auth-strategies/auth-strategy.js";
import { toVaultProxyError, VaultProxyError } from "../errors/vault-proxy-error.js";
import { canonicalHeaderName, filterRequestHeaders } from "../network/header-policy.js";
import { removeQueryParameters } from "../network/query-parameters.js";
import {
  assertSafePath,
  assertSafeQuery,
  splitProxyTarget,
  type ProxyTarget,
} from "../network/request-target.js";
import { describeThrown, type Logger } from "../redaction/logger.js";
import type { TokenRecord } from "../tokens/token-record.js";
import type { CountBytes } from "./chunk-collector.js";
import type { InFlightCalls } from "./in-flight-calls.js";
import { answerError } from "./own-answer.js";
import { presentedTokens } from "./presented-tokens.js";
import { bodyFraming, bodyTooLarge, RequestBody, type BodyFraming } from "./request-body.js";
import type { ServiceRoute, ServiceRoutes } from "./service-routes.js";
import { UpstreamExchange } from "./upstream-exchange.js";

export interface ProxyPipelineParts {
  readonly isLocked: () => boolean;
  readonly authenticate: (token: string) => TokenRecord | undefined;
  readonly routes: ServiceRoutes;
  readonly calls: InFlightCalls;
  /** Calls of one token that may run at once. */
  readonly maxCallsPerToken: number;
  readonly countBytes: CountBytes;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly log: Logger;
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

/**
 * `ANY /proxy/{service}/{path…}`: authenticate → authorize → resolve → inject → forward. Answers every failure itself;
 * never throws.
 */
export function createProxyPipeline(parts: ProxyPipelineParts): (call: IncomingCall) => void {
  return (call) => {
    try {
      const pending = run(parts, call);
      if (pending !== undefined) pending.catch((thrown: unknown) => fail(parts, call, thrown));
    } catch (thrown) {
      fail(parts, call, thrown);
    }
  };
}

function fail(parts: ProxyPipelineParts, call: IncomingCall, thrown: unknown): void {
  const error = toVaultProxyError(thrown);
  if (error.code === "internal") {
    parts.log.error(
      { request_id: call.requestId, ...describeThrown(error.cause) },
      "proxied call failed inside",
    );
  }
  if (call.response.headersSent) call.response.destroy();
  else answerError(call.request, call.response, error, { requestId: call.requestId, markError: true });
}

function run(parts: ProxyPipelineParts, call: IncomingCall): Promise<void> | undefined {
  if (parts.isLocked()) throw new VaultProxyError("vault_locked", "the vault is locked");
  const target = splitProxyTarget(call.target);
  const route = target === undefined ? undefined : parts.routes.get(target.service);
  const token = authenticate(parts, call.request, target?.query, route);
  if (parts.calls.countOf(token.digest) >= parts.maxCallsPerToken) {
    throw new VaultProxyError("rate_limited", "too many calls of this token at once", {
      retryAfterSeconds: 1,
    });
  }
  if (target === undefined || route === undefined) throw new VaultProxyError("not_found", "no such service");
  assertSafePath(target.path);
  if (target.query !== undefined) assertSafeQuery(target.query);
  if (call.request.headers.upgrade?.toLowerCase() === "websocket") {
    throw new VaultProxyError("not_implemented", "WebSocket upgrades are not supported by this version");
  }
  const framing = bodyFraming(call.request);
  if (framing.contentLength !== undefined && framing.contentLength > route.maxRequestBytes) {
    throw bodyTooLarge(route.maxRequestBytes);
  }
  const outgoing = prepare(call.request, target, route);
  const pending = route.injector.inject(outgoing);
  if (pending === undefined) {
    forward(parts, call, token, route, outgoing, framing);
    return undefined;
  }
  return pending.then(() => {
    // The vault may have been locked, or the caller gone, while the credential was fetched.
    if (parts.isLocked()) throw new VaultProxyError("vault_locked", "the vault is locked");
    if (!call.response.destroyed) forward(parts, call, token, route, outgoing, framing);
  });
}

function authenticate(
  parts: ProxyPipelineParts,
  request: IncomingMessage,
  query: string | undefined,
  route: ServiceRoute | undefined,
): TokenRecord {
  const presented = presentedTokens(request.rawHeaders, query, route?.injector);
  if (presented.size > 1)
    throw new VaultProxyError("invalid_request", "the request carries two different tokens");
  const [token] = presented;
  if (token === undefined) throw new VaultProxyError("unauthorized", "a vault token is required");
  const record = parts.authenticate(token);
  if (record === undefined) throw new VaultProxyError("unauthorized", "this token is unknown or has expired");
  return record;
}

/** Strip, then inject: what remains of the caller's request, without any credential of its own. */
function prepare(request: IncomingMessage, target: ProxyTarget, route: ServiceRoute): OutgoingRequest {
  const { injector, record } = route;
  const headers = filterRequestHeaders(request.rawHeaders, {
    injectedNames: injector.headerNames,
    forwardCookies: record.forward_cookies,
  });
  for (const [canonicalName, name, value] of route.defaultHeaders) {
    if (!hasHeader(headers, canonicalName)) headers.push(name, value);
  }
  return {
    method: request.method ?? "GET",
    basePath: route.basePath,
    path: target.path,
    query:
      target.query === undefined || injector.queryNames.size === 0
        ? target.query
        : removeQueryParameters(target.query, injector.queryNames),
    headers,
  };
}

function hasHeader(headers: readonly string[], canonicalName: string): boolean {
  for (let index = 0; index < headers.length; index += 2) {
    if (canonicalHeaderName(headers[index] ?? "") === canonicalName) return true;
  }
  return false;
}

function forward(
  parts: ProxyPipelineParts,
  call: IncomingCall,
  token: TokenRecord,
  route: ServiceRoute,
  outgoing: OutgoingRequest,
  framing: BodyFraming,
): void {
  const { request, response, requestId } = call;
  const startedAt = parts.now();
  const body = framing.hasBody
    ? new RequestBody(request, {
        limit: route.maxRequestBytes,
        idleMs: route.idleTimeoutMs,
        countBytes: parts.countBytes,
      })
    : null;
  const exchange = new UpstreamExchange({
    request,
    response,
    requestId,
    tokenDigest: token.digest,
    now: parts.now,
    countBytes: parts.countBytes,
    route,
    onEnd(ended, outcome) {
      parts.calls.remove(ended);
      // What the upstream did not take is read away, also where undici never began to read it.
      if (outcome.error !== undefined) body?.destroy();
      parts.log.debug(
        {
          request_id: requestId,
          service: route.name,
          method: outgoing.method,
          status: outcome.status,
          error: outcome.error?.code,
          milliseconds: Math.round(parts.now() - startedAt),
        },
        "proxied call",
      );
    },
  });
  parts.calls.add(exchange);
  if (framing.contentLength !== undefined)
    outgoing.headers.push("Content-Length", String(framing.contentLength));
  if (call.expectsContinue && framing.hasBody) response.writeContinue();
  const path = `${outgoing.basePath}${outgoing.path}` || "/";
  route.dispatcher.dispatch(
    {
      method: outgoing.method,
      path: outgoing.query === undefined ? path : `${path}?${outgoing.query}`,
      headers: outgoing.headers,
      body,
    },
    exchange,
  );
}
