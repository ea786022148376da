import type { IncomingMessage } from "node:http";
import type { OutgoingRequest } from "../auth-strategies/auth-strategy.js";
import type { Authorizer } from "../authorization/authorizer.js";
import type { Grant } from "../authorization/grant.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { assertSafePath, assertSafeQuery, splitProxyTarget } from "../network/request-target.js";
import { namesAnotherResource } from "../network/resource-headers.js";
import type { OutboundScan } from "../scrubbing/outbound-scan.js";
import type { SecretIdentity } from "../scrubbing/outbound-secrets.js";
import type { TokenRecord } from "../tokens/token-record.js";
import { assertMayCall } from "../tokens/token-scope.js";
import type { CallAudit, CallAuditParts } from "./call-audit.js";
import type { InFlightCalls } from "./in-flight-calls.js";
import { pathOf, prepareRequest, dropOverrides } from "./outgoing-request.js";
import { presentedTokens } from "./presented-tokens.js";
import type { ServiceRoute, ServiceRoutes } from "./service-routes.js";
import { whileItCounts } from "./waiting-call.js";

export interface AdmissionParts {
  readonly isLocked: () => boolean;
  readonly authenticate: (token: string) => TokenRecord | undefined;
  /** Starts the search of one request for secrets of other services than the called one. */
  readonly searchOutbound: (service: string) => OutboundScan;
  /** Whether it would find those of all services: undefined, or what to wait for. */
  readonly outboundReady: () => Promise<void> | undefined;
  /** Notes that a token sent such a secret. */
  readonly strike: (token: TokenRecord, secret: SecretIdentity) => void;
  readonly authorize: Authorizer["authorize"];
  readonly routes: ServiceRoutes;
  readonly calls: InFlightCalls;
  /** Calls of one token that may run at once. */
  readonly maxCallsPerToken: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** A call that may be made: by whom, to which service, and what goes out. */
export interface AdmittedCall {
  readonly token: TokenRecord;
  readonly route: ServiceRoute;
  readonly outgoing: OutgoingRequest;
  readonly grant: Grant;
}

/** Authenticates, authorizes, resolves and strips, in this order, for calls and upgrades alike. */
export function admit(
  parts: AdmissionParts,
  request: IncomingMessage,
  rawTarget: string,
  audit: CallAudit,
): AdmittedCall {
  if (parts.isLocked()) throw new VaultProxyError("vault_locked", "the vault is locked");
  const target = splitProxyTarget(rawTarget);
  audit.proxyTarget = target;
  const route = target === undefined ? undefined : parts.routes.get(target.service);
  const token = authenticate(parts, request, target?.query, route);
  audit.token = token;
  assertMayCall(token);
  if (parts.calls.countOf(token.digest) >= parts.maxCallsPerToken) {
    throw new VaultProxyError("rate_limited", "too many calls of this token at once", {
      retryAfterSeconds: 1,
    });
  }
  if (target === undefined || route === undefined) throw new VaultProxyError("not_found", "no such service");
  const grant = parts.authorize(token, {
    kind: "http",
    service: route.name,
    method: request.method ?? "GET",
    rawPath: target.path,
    namesAnotherResource: namesAnotherResource(request.rawHeaders),
  });
  audit.rule = grant.rule;
  try {
    audit.readJustification();
    assertSafePath(target.path);
    if (target.query !== undefined) assertSafeQuery(target.query);
    const outgoing = prepareRequest(request, target, route, parts.now());
    if (grant.isRestricted) dropOverrides(outgoing.headers);
    return { token, route, outgoing, grant };
  } catch (error) {
    grant.release();
    throw error;
  }
}

function authenticate(
  parts: AdmissionParts,
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

/** Begins the search for secrets of other services with the target and the headers. @throws VaultProxyError `secret_in_request` */
function searchHead(parts: AdmissionParts, { token, route, outgoing }: AdmittedCall): OutboundScan {
  const search = parts.searchOutbound(route.name);
  if (!search.isNeeded) return search;
  const found = search.scanText(pathOf(outgoing)) ?? search.scanHeaders(outgoing.headers);
  if (found === undefined) return search;
  parts.strike(token, found);
  throw secretInRequest();
}

export function secretInRequest(): VaultProxyError {
  return new VaultProxyError("secret_in_request", "the request holds a secret of another service");
}

/** The caller has left before its call was passed on. */
export function leave(grant: Grant, audit: CallAudit): void {
  grant.release();
  audit.end(undefined, undefined);
}

/** What becomes of a call whose admission has to be waited for. */
export interface CallToBegin {
  /** Whether the caller has left meanwhile. */
  readonly isGone: () => boolean;
  /** Answers the call, which is over then. */
  readonly end: (reason: VaultProxyError) => void;
  readonly task: (search: OutboundScan) => Promise<void> | undefined;
}

/**
 * Goes on with a call when its reservation is saved, it can be recorded and searched for the secrets of all services, and gives
 * the reservation back if the call comes to nothing.
 */
export function begin(
  parts: AdmissionParts & Pick<CallAuditParts, "audit">,
  admitted: AdmittedCall,
  audit: CallAudit,
  { isGone, end, task }: CallToBegin,
): Promise<void> | undefined {
  const { grant, route } = admitted;
  const release = (error: unknown): never => {
    grant.release();
    throw error;
  };
  try {
    // A call that cannot be recorded is not made.
    const isRecordable = parts.audit.ready();
    const isSearchable = parts.outboundReady();
    if (grant.ready === undefined && isRecordable === undefined && isSearchable === undefined) {
      return task(searchHead(parts, admitted))?.catch(release);
    }
    const pending = Promise.all([grant.ready, isRecordable, isSearchable]);
    return whileItCounts(parts.calls, admitted, pending, end, () => {
      if (isGone()) {
        leave(grant, audit);
        return undefined;
      }
      // Nothing goes out by what the service was before.
      if (parts.routes.get(route.name) !== route) {
        throw new VaultProxyError("unavailable", "this service was changed meanwhile; try again", {
          retryAfterSeconds: 1,
        });
      }
      return task(searchHead(parts, admitted));
    }).catch(release);
  } catch (error) {
    return release(error);
  }
}
