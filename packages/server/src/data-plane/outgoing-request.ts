import type { IncomingMessage } from "node:http";
import type { OutgoingRequest } from "../auth-strategies/auth-strategy.js";
import { canonicalHeaderName, filterRequestHeaders } from "../network/header-policy.js";
import { removeQueryParameters } from "../network/query-parameters.js";
import type { ProxyTarget } from "../network/request-target.js";
import { acceptableCodings } from "./content-decoding.js";
import type { CookieJar } from "./cookie-jar.js";
import type { ServiceRoute } from "./service-routes.js";

/**
 * Strip, then inject: what remains of the caller's request, without any credential of its own.
 *
 * @param now monotonic milliseconds
 */
export function prepareRequest(
  request: IncomingMessage,
  target: ProxyTarget,
  route: ServiceRoute,
  now: number,
): OutgoingRequest {
  const { injector, record } = route;
  const headers = filterRequestHeaders(request.rawHeaders, {
    injectedNames: injector.headerNames,
    forwardCookies: record.forward_cookies,
  });
  for (const [canonicalName, name, value] of route.defaultHeaders) {
    if (!hasHeader(headers, canonicalName)) headers.push(name, value);
  }
  if (route.searchedAnswers !== undefined) {
    limitRanges(headers, route.ranges.isOpen(now) ? 1 : 0);
    limitCodings(headers);
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

/** Some servers take the method, or the path, from these fields in place of what the request line says. */
const OVERRIDES: ReadonlySet<string> = new Set([
  "x-http-method",
  "x-http-method-override",
  "x-http-path-override",
  "x-http-verb",
  "x-method",
  "x-method-override",
  "x-original-method",
  "x-original-uri",
  "x-original-url",
  "x-proxy-url",
  "x-rest-method",
  "x-rewrite-uri",
  "x-rewrite-url",
]);

/** Takes out what makes an upstream see another method or path than a policy has judged. */
export function dropOverrides(headers: string[]): void {
  for (let index = headers.length - 2; index >= 0; index -= 2) {
    if (OVERRIDES.has(canonicalHeaderName(headers[index] ?? ""))) headers.splice(index, 2);
  }
}

/** The second is an old name of the first, which some servers still honour. */
const RANGE_FIELDS: ReadonlySet<string> = new Set(["range", "request-range"]);

/**
 * Several ranges at once (RFC 9110 §14.2) would come in one body, cut wherever the caller likes, also in a secret. The
 * field may be ignored: then the whole is the answer.
 */
function limitRanges(headers: string[], most: 0 | 1): void {
  const ranges: number[] = [];
  for (let index = headers.length - 2; index >= 0; index -= 2) {
    const name = canonicalHeaderName(headers[index] ?? "");
    if (RANGE_FIELDS.has(name)) ranges.push(index);
  }
  const [only] = ranges;
  if (ranges.length === most && only !== undefined && headers[only + 1]?.includes(",") !== true) return;
  for (const index of ranges) headers.splice(index, 2);
}

/** Lets the upstream encode an answer only in ways in which it can be searched; a part of one not at all. */
function limitCodings(headers: string[]): void {
  const isForPart = [...RANGE_FIELDS].some((name) => hasHeader(headers, name));
  for (let index = 0; index < headers.length; index += 2) {
    if (canonicalHeaderName(headers[index] ?? "") !== "accept-encoding") continue;
    headers[index + 1] = isForPart ? "identity" : acceptableCodings(headers[index + 1] ?? "");
  }
}

function hasHeader(headers: readonly string[], canonicalName: string): boolean {
  for (let index = 0; index < headers.length; index += 2) {
    if (canonicalHeaderName(headers[index] ?? "") === canonicalName) return true;
  }
  return false;
}

/** Adds the service's cookies, in the one field that there may be (RFC 6265 §5.4): the service may inject one too. */
export function addSessionCookies(outgoing: OutgoingRequest, jar: CookieJar): void {
  const cookies = jar.header(absolutePathOf(outgoing));
  if (cookies === undefined) return;
  const { headers } = outgoing;
  for (let index = 0; index < headers.length; index += 2) {
    if (canonicalHeaderName(headers[index] ?? "") !== "cookie") continue;
    headers[index + 1] = `${headers[index + 1] ?? ""}; ${cookies}`;
    return;
  }
  headers.push("Cookie", cookies);
}

/** The path as it goes out (RFC 9112 §3.2.1 `absolute-path`). */
export function absolutePathOf({ basePath, path }: OutgoingRequest): string {
  return `${basePath}${path}` || "/";
}

/** The request target as it goes out (RFC 9112 §3.2.1). */
export function pathOf(outgoing: OutgoingRequest): string {
  const path = absolutePathOf(outgoing);
  return outgoing.query === undefined ? path : `${path}?${outgoing.query}`;
}

export function withoutHeader(headers: readonly string[], canonicalName: string): string[] {
  return headers.filter(
    (_, index) => canonicalHeaderName(headers[index - (index % 2)] ?? "") !== canonicalName,
  );
}
