import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { startLiveVault, type LiveVault } from "../live/live-vault.js";
import { headerValues, type Answer, type ReceivedRequest } from "../live/tls-upstream.js";
import { call, makeToken } from "../live/vault-calls.js";

/** An API as an SDK meets it: what it demands, how it says no, and the routes that a test uses. */
export interface SdkApi {
  /** The one field that a call is accepted with, and the forms of its value. */
  readonly credential: { readonly header: string; readonly values: readonly string[] };
  /** How the vault stores it. */
  readonly auth: object;
  /** The same type, with a key that the API does not know. */
  readonly wrongAuth: object;
  /** The API's own answer to a wrong or missing key. */
  readonly refuse: Answer;
  /** By method and path, without the query. */
  readonly routes: Readonly<Record<string, Answer>>;
}

/** A vault with that API behind the services `api` and, with the wrong key, `wrong`. */
export interface SdkVault {
  /** `http://127.0.0.1:1234`: the vault. */
  readonly address: string;
  readonly port: string;
  /** A proxy token: what the SDK gets in place of the key. */
  readonly token: string;
  readonly live: LiveVault;
  /** `/proxy/api`, or another service, as an absolute URL. */
  url(path?: string, service?: string): string;
  /** What reached the API in the current test. */
  received(): readonly ReceivedRequest[];
  /** The next accepted call gets this in place of its route's answer; several wait in turn. */
  answerOnce(...answers: Answer[]): void;
  /** A token that was good until just now. */
  revokedToken(): Promise<string>;
}

/**
 * Starts all of it for a test file and stops it afterwards. After every test, whatever reached the API has
 * carried the injected credential exactly once, and nothing of the vault's own.
 */
export function useSdkVault(api: SdkApi): SdkVault {
  let live: LiveVault | undefined;
  const waiting: Answer[] = [];
  let seen = 0;

  const answer: Answer = (request, response, body) => {
    if (!api.credential.values.includes(String(request.headers[api.credential.header]))) {
      return api.refuse(request, response, body);
    }
    const path = new URL(request.url ?? "/", "https://upstream").pathname;
    const route = waiting.shift() ?? api.routes[`${String(request.method)} ${path}`];
    if (route === undefined) return json({ message: `no route ${path}` }, 404)(request, response, body);
    return route(request, response, body);
  };
  const started = (): LiveVault => {
    if (live === undefined) throw new Error("the vault runs during tests only");
    return live;
  };
  const received = (): readonly ReceivedRequest[] => started().upstream.requests.slice(seen);

  beforeAll(async () => {
    live = await startLiveVault({ answer });
    await live.addService("api", api.auth);
    await live.addService("wrong", api.wrongAuth);
  });
  afterAll(() => started().close());
  afterEach(() => {
    const requests = received();
    seen = started().upstream.requests.length;
    const left = waiting.splice(0);
    for (const request of requests) expectOnlyTheCredential(request, api, started().token);
    expect(left).toEqual([]);
  });

  return {
    get address() {
      return started().server.address;
    },
    get port() {
      return new URL(started().server.address).port;
    },
    get token() {
      return started().token;
    },
    get live() {
      return started();
    },
    url: (path = "", service = "api") => `${started().server.address}/proxy/${service}${path}`,
    received,
    answerOnce: (...answers) => waiting.push(...answers),
    async revokedToken() {
      const { server, admin } = started();
      const token = await makeToken(server, admin);
      const revoked = await call(server.address, "DELETE", `/tokens/${token}`, { token: admin });
      expect(revoked.status).toBe(200);
      return token;
    },
  };
}

function expectOnlyTheCredential(request: ReceivedRequest, api: SdkApi, token: string): void {
  const whole = [request.target, ...request.rawHeaders, request.body.toString("latin1")].join("\n");
  for (const form of [token, `${token}:`, `:${token}`]) {
    expect(whole).not.toContain(form);
    expect(whole).not.toContain(Buffer.from(form).toString("base64").replace(/=+$/, ""));
  }
  expect(whole).not.toContain("tok_");
  const credentials = headerValues(request.rawHeaders, api.credential.header);
  expect(credentials).toHaveLength(1);
  expect(whole.split(credentials[0]!)).toHaveLength(2);
  for (const header of ["authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie"]) {
    if (header !== api.credential.header) expect(headerValues(request.rawHeaders, header)).toEqual([]);
  }
}

/** A JSON answer. */
export function json(value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Answer {
  return (_request, response) => {
    response.writeHead(status, { "Content-Type": "application/json", ...headers }).end(JSON.stringify(value));
  };
}

/** A streamed answer in pieces, each written only once the test has taken the one before. */
export interface Lockstep {
  readonly answer: Answer;
  /** The reader has one more piece. */
  took(): void;
}

/** A proxy that gathers an answer would wait for a second piece that never comes. */
export function lockstep(pieces: readonly string[], contentType = "text/event-stream"): Lockstep {
  let taken = 0;
  let wake = (): void => undefined;
  return {
    async answer(_request, response) {
      response.writeHead(200, { "Content-Type": contentType });
      for (const [index, piece] of pieces.entries()) {
        response.write(piece);
        while (taken <= index) await new Promise<void>((resolve) => (wake = resolve));
      }
      response.end();
    },
    took() {
      taken += 1;
      wake();
    },
  };
}

/** A server-sent event. */
export function event(data: unknown, name?: string): string {
  return `${name === undefined ? "" : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`;
}

/** The parameters of the query in a request target. */
export function queryOf(target: string): URLSearchParams {
  return new URL(target, "https://upstream").searchParams;
}
