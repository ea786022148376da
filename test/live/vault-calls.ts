import { Agent, request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from "node:http";
import { request as httpsRequest } from "node:https";
import { PASSWORD, type RunningServer } from "./processes.js";

export interface Answered {
  readonly status: number;
  readonly rawHeaders: readonly string[];
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  /** The parsed body; undefined if it is not JSON. */
  readonly json: unknown;
}

export interface CallOptions {
  readonly token?: string;
  /** Flat: name, value, … or an object. */
  readonly headers?: OutgoingHttpHeaders | readonly string[];
  readonly body?: string | Buffer;
  readonly ca?: string;
  /** For http: a connection that others use too. */
  readonly agent?: Agent;
}

/** Sends one request with the target byte for byte, on a connection of its own unless an agent is given. */
export async function call(
  address: string,
  method: string,
  target: string,
  options: CallOptions = {},
): Promise<Answered> {
  const response = await open(address, method, target, options);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return {
    status: response.statusCode ?? 0,
    rawHeaders: response.rawHeaders,
    headers: response.headers,
    text,
    json: parseJson(text),
  };
}

/** As {@link call}, but gives the answer as soon as its head is there. */
export function open(
  address: string,
  method: string,
  target: string,
  options: CallOptions = {},
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const url = address.startsWith("unix:") ? undefined : new URL(address);
    const headers = flatHeaders(url?.host ?? "localhost", options);
    const send = url?.protocol === "https:" ? httpsRequest : httpRequest;
    const request = send(
      {
        ...(url === undefined
          ? { socketPath: address.slice("unix:".length) }
          : { host: url.hostname.replace(/^\[|\]$/g, ""), port: url.port }),
        method,
        path: target,
        headers,
        ...(options.ca === undefined ? {} : { ca: options.ca }),
        ...(url?.protocol === "https:" ? {} : { agent: options.agent ?? new Agent({ keepAlive: false }) }),
      },
      resolve,
    );
    request.on("error", reject);
    request.end(options.body);
  });
}

function flatHeaders(host: string, options: CallOptions): string[] {
  const given = Array.isArray(options.headers)
    ? (options.headers as string[])
    : Object.entries((options.headers ?? {}) as OutgoingHttpHeaders).flatMap(([name, value]) => [
        name,
        String(value),
      ]);
  const has = (name: string): boolean =>
    given.some((field, index) => index % 2 === 0 && field.toLowerCase() === name);
  return [
    ...(has("host") ? [] : ["Host", host]),
    ...given,
    ...(options.token === undefined ? [] : ["Authorization", `Bearer ${options.token}`]),
    ...(options.body === undefined || has("content-length") || has("transfer-encoding")
      ? []
      : ["Content-Length", String(Buffer.byteLength(options.body))]),
    ...(options.body === undefined || has("content-type") ? [] : ["Content-Type", "application/json"]),
  ];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Unlocks (and so creates, the first time) and gives the admin token. */
export async function unlock(server: RunningServer, password = PASSWORD, ca?: string): Promise<string> {
  const answer = await call(server.address, "POST", "/auth/unlock", {
    body: JSON.stringify({ password }),
    ...(ca === undefined ? {} : { ca }),
  });
  if (answer.status !== 200) throw new Error(`unlock: ${answer.status} ${answer.text}`);
  return (answer.json as { id: string }).id;
}

export async function makeToken(
  server: RunningServer,
  adminToken: string,
  body: object = {},
): Promise<string> {
  const answer = await call(server.address, "POST", "/tokens", {
    token: adminToken,
    body: JSON.stringify({ scope: "proxy", ...body }),
  });
  if (answer.status !== 201) throw new Error(`token: ${answer.status} ${answer.text}`);
  return (answer.json as { id: string }).id;
}

export async function addService(
  server: RunningServer,
  adminToken: string,
  definition: object,
): Promise<void> {
  const answer = await call(server.address, "POST", "/services", {
    token: adminToken,
    body: JSON.stringify(definition),
  });
  if (answer.status !== 201) throw new Error(`service: ${answer.status} ${answer.text}`);
}
