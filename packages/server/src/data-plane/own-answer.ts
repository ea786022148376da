import { STATUS_CODES, type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { statusOf } from "../errors/error-codes.js";
import { errorBody, type VaultProxyError } from "../errors/vault-proxy-error.js";
import { discardRest } from "./request-body.js";

/** On every answer that the vault itself makes. */
export const OWN_ANSWER_HEADERS: readonly (readonly [string, string])[] = [
  ["Cache-Control", "no-store"],
  ["X-Content-Type-Options", "nosniff"],
  ["X-Frame-Options", "DENY"],
  ["Content-Security-Policy", "default-src 'none'"],
  ["Referrer-Policy", "no-referrer"],
];

/** How the APIs of OpenAI and Anthropic, and that of Stripe, tell their SDKs not to try again. */
const DO_NOT_RETRY: readonly (readonly [string, string])[] = [
  ["X-Should-Retry", "false"],
  ["Stripe-Should-Retry", "false"],
];

/** What `/proxy` passes on (RFC 9110 §10.2.1). */
export const ALLOW_HEADER = ["Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"] as const;

/** What `upgrade_required` asks for (RFC 9110 §15.5.22, RFC 6455 §4.4). */
export const UPGRADE_HEADERS: readonly (readonly [string, string])[] = [
  ["Upgrade", "websocket"],
  ["Sec-WebSocket-Version", "13"],
];

export interface OwnAnswerOptions {
  readonly requestId: string;
}

/** The headers of an error that the vault answers, flat: name, value, … */
export function errorHeaders(error: VaultProxyError, options: OwnAnswerOptions): string[] {
  const headers = OWN_ANSWER_HEADERS.flat();
  headers.push("X-Vault-Request-Id", options.requestId);
  // Wherever the request went: so that a client needs no list of the paths where an upstream's answer can be expected.
  headers.push("X-Vault-Error", error.code);
  if (error.code === "unauthorized") headers.push("WWW-Authenticate", "Bearer");
  // Official SDKs try a 409 again by themselves, and a few of these requests suspend the token.
  if (error.code === "secret_in_request") headers.push(...DO_NOT_RETRY.flat());
  if (error.code === "upgrade_required") headers.push(...UPGRADE_HEADERS.flat());
  if (error.retryAfterSeconds !== undefined) headers.push("Retry-After", String(error.retryAfterSeconds));
  for (const [name, value] of Object.entries(error.headers)) headers.push(name, value);
  return headers;
}

/** Answers where there is no response object to answer on, and closes. */
export function answerErrorOnSocket(socket: Duplex, error: VaultProxyError, options: OwnAnswerOptions): void {
  const body = JSON.stringify(errorBody(error));
  const status = statusOf(error.code);
  const headers = errorHeaders(error, options);
  headers.push("Content-Type", "application/json", "Content-Length", String(Buffer.byteLength(body)));
  headers.push("Connection", error.code === "upgrade_required" ? "close, upgrade" : "close");
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n`;
  for (let index = 0; index < headers.length; index += 2) {
    head += `${headers[index] ?? ""}: ${headers[index + 1] ?? ""}\r\n`;
  }
  socket.end(`${head}\r\n${body}`, () => socket.destroy());
}

/** Answers with an error, if the head of an answer is not out yet; reads the rest of the request away. */
export function answerError(
  request: IncomingMessage,
  response: ServerResponse,
  error: VaultProxyError,
  options: OwnAnswerOptions & { readonly extraHeaders?: readonly string[] },
): void {
  const body = Buffer.from(JSON.stringify(errorBody(error)));
  const status = statusOf(error.code);
  response.writeHead(status, STATUS_CODES[status] ?? "", [
    ...errorHeaders(error, options),
    ...(options.extraHeaders ?? []),
    "Content-Type",
    "application/json",
    "Content-Length",
    String(body.length),
  ]);
  response.end(request.method === "HEAD" ? undefined : body);
  discardRest(request);
}

/** Answers OPTIONS for the vault itself, where the request was to go no further (RFC 9110 §7.6.2, §9.3.7). */
export function answerOptions(request: IncomingMessage, response: ServerResponse, requestId: string): void {
  response.writeHead(200, [
    ...OWN_ANSWER_HEADERS.flat(),
    ...ALLOW_HEADER,
    "X-Vault-Request-Id",
    requestId,
    "Content-Length",
    "0",
  ]);
  response.end();
  discardRest(request);
}
