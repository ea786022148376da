import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { makeCertificates, type Certificates } from "../live/tls-upstream.js";
import { TokenIssuer, type IssuerSettings } from "./token-issuer.js";

/** A request to the token endpoint as it came. */
export interface TokenCall {
  readonly at: number;
  readonly path: string;
  readonly method: string;
  readonly headers: IncomingMessage["headers"];
  readonly bodyFormat: "form" | "json" | "other";
  /** Of the body; of a repeated one the last. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly client: {
    readonly method: "basic" | "post" | "assertion" | "bearer" | "none";
    readonly id: string | undefined;
    readonly secret: string | undefined;
  };
}

export interface TokenAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON, which is then the Content-Type too unless `headers` says otherwise. */
  readonly body?: string | Buffer | object;
  readonly delayMs?: number;
  /** After the body: more and more of it until the client goes away, or nothing while the connection stays open. */
  readonly end?: "more" | "silence" | "cut";
}

/** What one call gets; undefined: what an honest server would say. */
export type Script = (
  call: TokenCall,
  nth: number,
) => TokenAnswer | undefined | Promise<TokenAnswer | undefined>;

export interface ApiCall {
  readonly method: string;
  readonly target: string;
  readonly token: string;
  readonly cookie: string | undefined;
  readonly status: number;
  readonly bytes: number;
}

/**
 * A token endpoint that does as a test says, and an API beside it (`<origin>/api`) that takes the newest access tokens
 * only. Every path but the API's is the token endpoint.
 */
export interface ScriptedTokenEndpoint {
  readonly origin: string;
  readonly tokenUrl: string;
  readonly apiUrl: string;
  readonly certificates: Certificates;
  readonly issuer: TokenIssuer;
  readonly calls: TokenCall[];
  readonly apiCalls: ApiCall[];
  /** `WWW-Authenticate` of the API's 401; undefined leaves it out. */
  challenge: string | undefined;
  /** `Set-Cookie` of the API's 401. */
  refusalCookie: string | undefined;
  script: Script | undefined;
  /** Token requests that have come and have not been answered. */
  readonly waiting: () => number;
  /** Resolves when so many token requests have come, of all since the start. */
  called(times: number): Promise<void>;
  /** Forgets the calls and the script. */
  reset(): void;
  close(): Promise<void>;
}

const API_PATH = "/api/";
export const INVALID_TOKEN =
  'Bearer realm="api", error="invalid_token", error_description="The token expired"';

export async function startScriptedTokenEndpoint(
  options: { readonly certificates?: Certificates; readonly issuer?: Partial<IssuerSettings> } = {},
): Promise<ScriptedTokenEndpoint> {
  const certificates = options.certificates ?? (await makeCertificates());
  const issuer = new TokenIssuer(options.issuer);
  const closing = new AbortController();
  let waiting = 0;
  const watchers = new Set<() => void>();

  const serveToken = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const call = readCall(request, await bodyOf(request));
    waiting += 1;
    endpoint.calls.push(call);
    for (const look of watchers) look();
    try {
      const answer = (await endpoint.script?.(call, endpoint.calls.length)) ?? honest(issuer, call);
      if (answer.delayMs !== undefined) await delay(answer.delayMs, undefined, { signal: closing.signal });
      await send(response, answer);
    } finally {
      waiting -= 1;
    }
  };
  const serveApi = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { length } = await bodyOf(request);
    const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
    const status = issuer.accepts(token) ? 200 : 401;
    const { method = "", url = "" } = request;
    endpoint.apiCalls.push({
      method,
      target: url,
      token,
      cookie: request.headers.cookie,
      status,
      bytes: length,
    });
    const { challenge, refusalCookie } = endpoint;
    if (status === 401 && challenge !== undefined) response.setHeader("WWW-Authenticate", challenge);
    if (status === 401 && refusalCookie !== undefined) response.setHeader("Set-Cookie", refusalCookie);
    response.writeHead(status, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ method, bytes: length, accepted: status === 200 }));
  };
  const server = createServer({ cert: certificates.cert, key: certificates.key }, (request, response) => {
    response.on("error", () => undefined);
    const serve = request.url?.startsWith(API_PATH) === true ? serveApi : serveToken;
    serve(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const endpoint: ScriptedTokenEndpoint = {
    origin,
    tokenUrl: `${origin}/token`,
    apiUrl: `${origin}${API_PATH.slice(0, -1)}`,
    certificates,
    issuer,
    calls: [],
    apiCalls: [],
    challenge: INVALID_TOKEN,
    refusalCookie: undefined,
    script: undefined,
    waiting: () => waiting,
    called: (times) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (endpoint.calls.length < times) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
      }),
    reset() {
      endpoint.script = undefined;
      endpoint.challenge = INVALID_TOKEN;
      endpoint.refusalCookie = undefined;
      endpoint.calls.length = 0;
      endpoint.apiCalls.length = 0;
    },
    async close() {
      closing.abort();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      if (options.certificates === undefined) await certificates.remove();
    },
  };
  return endpoint;
}

function honest(issuer: TokenIssuer, { parameters }: TokenCall): TokenAnswer {
  const { status, json } =
    parameters.grant_type === "refresh_token" ? issuer.refresh(parameters.refresh_token) : issuer.issue();
  return { status, body: json };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function readCall(request: IncomingMessage, body: Buffer): TokenCall {
  const type = request.headers["content-type"] ?? "";
  const bodyFormat = /^application\/x-www-form-urlencoded\b/.test(type)
    ? "form"
    : /^application\/json\b/.test(type)
      ? "json"
      : "other";
  const parameters = (
    bodyFormat === "form"
      ? Object.fromEntries(new URLSearchParams(body.toString()))
      : bodyFormat === "json"
        ? JSON.parse(body.toString())
        : {}
  ) as Record<string, string>;
  return {
    at: Date.now(),
    path: request.url ?? "",
    method: request.method ?? "",
    headers: request.headers,
    bodyFormat,
    parameters,
    client: clientOf(request.headers.authorization, parameters),
  };
}

function clientOf(
  authorization: string | undefined,
  parameters: Readonly<Record<string, string>>,
): TokenCall["client"] {
  const [scheme = "", credentials = ""] = authorization?.split(" ") ?? [];
  if (scheme === "Basic") {
    // RFC 6749 section 2.3.1: each is form-encoded before the two are joined.
    const [id, secret] = Buffer.from(credentials, "base64").toString().split(":").map(decodeForm);
    return { method: "basic", id, secret };
  }
  const { client_id: id, client_secret: secret } = parameters;
  if (scheme === "Bearer") return { method: "bearer", id, secret: credentials };
  if (parameters.client_assertion !== undefined) {
    return { method: "assertion", id, secret: parameters.client_assertion };
  }
  return { method: secret === undefined ? "none" : "post", id, secret };
}

const decodeForm = (text: string): string => decodeURIComponent(text.replaceAll("+", " "));

async function send(response: ServerResponse, answer: TokenAnswer): Promise<void> {
  const { status = 200, headers = {}, body = "", end } = answer;
  const isObject = typeof body === "object" && !Buffer.isBuffer(body);
  response.writeHead(status, { ...(isObject ? { "Content-Type": "application/json" } : {}), ...headers });
  const bytes = isObject ? JSON.stringify(body) : body;
  if (end === undefined) {
    response.end(bytes);
    return;
  }
  response.write(bytes);
  if (end === "cut") {
    await delay(20);
    response.destroy();
  } else if (end === "more") {
    while (!response.destroyed) {
      response.write(" ".repeat(16_384));
      await delay(5);
    }
  }
}
