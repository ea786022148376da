import type { Address } from "./address.js";
import type { Call } from "./call.js";
import { connectionFailure } from "./connection-failure.js";
import { assertCall } from "./option-checks.js";
import { startDeadline } from "./deadline.js";
import { errorFromAnswer } from "./error-answer.js";
import { VaultError, invalidRequest } from "./errors.js";
import type { Answer, Exchange, WireRequest } from "./exchange.js";
import { createFetchExchange } from "./fetch-exchange.js";
import { createNodeExchange, hasNodeModules, isNode } from "./node-exchange.js";
import { platformFetch } from "./platform-fetch.js";
import { encodeBody, type EncodedBody } from "./request-body.js";
import { hasHeader, headerPairs } from "./request-headers.js";
import { assertTarget } from "./request-target.js";
import { withRetries } from "./retries.js";

export interface TransportOptions {
  readonly address: Address;
  /** Asked at every call, since unlocking and locking change it. */
  readonly token: () => string;
  readonly timeoutMs: number;
  /** How often a GET of the vault's own state is attempted again that got no answer. */
  readonly retries: number;
  /** Send tokens and passwords over plain http to any host. */
  readonly allowInsecure: boolean;
  /** Replaces every fetch, for runtimes and tests that bring their own. */
  readonly fetch?: typeof fetch | undefined;
}

export interface Transport {
  readonly address: Address;
  /** The token of now, for what calls the vault by itself. @throws VaultError `insecure_address` where it must not be sent */
  token(): string;
  /**
   * JSON in, JSON out; the time limit covers the whole answer, retries included. Undefined for an empty answer.
   * @throws VaultError for any status but 2xx
   */
  json(call: Call): Promise<unknown>;
  /** The answer, whatever its status; the time limit covers its headers only, so a stream is never cut. */
  raw(call: Call): Promise<Response>;
  /** Ends connections that nobody uses. */
  close(): void;
}

type Prepared = Omit<WireRequest, "signal"> & Pick<EncodedBody, "failure">;

/** No vault is asked by name over a unix socket; the Host header still has to say something. */
const UNIX_ORIGIN = "http://localhost";

/** Bytes; far above the longest list of a vault, low enough for a stranger on its port not to fill the memory. */
const MAX_JSON_BYTES = 16 * 1024 * 1024;

/** RFC 9110 §9.1: a token (§5.6.2). */
const METHOD = /^[!#$%&'*+.^_`|~0-9A-Z-]+$/;

/** Refused by the vault, and by every fetch. */
const REFUSED_METHODS = new Set(["CONNECT", "TRACE", "TRACK"]);

export function createTransport(options: TransportOptions): Transport {
  const { address } = options;
  const basePath = address.kind === "unix" ? "" : address.basePath;
  const exchange = chooseExchange(address, options.fetch);

  /** Everything that can be wrong with a call before anything is sent. */
  async function prepare(call: Call): Promise<Prepared> {
    assertCall(call);
    const method = call.method.toUpperCase();
    if (!METHOD.test(method) || REFUSED_METHODS.has(method)) {
      throw invalidRequest("this method cannot be sent through the vault");
    }
    const target = basePath + call.target;
    assertTarget(target);
    const { body, contentType, failure } = await encodeBody(call.body);
    const headers = headersOf(call, contentType, options.token());
    if (call.confidential === true || hasHeader(headers, "authorization")) assertConfidential();
    return { method, target, headers, body, failure };
  }

  function assertConfidential(): void {
    if (options.allowInsecure || address.kind === "unix" || address.confidential) return;
    throw new VaultError(
      0,
      "insecure_address",
      `refused to send a credential over plain http to ${address.label}: use https, a unix socket or a loopback address, or say allowInsecure`,
    );
  }

  /** A password is in the place of a token. */
  function lacksToken({ confidential, headers }: Call): boolean {
    return (
      confidential !== true && options.token() === "" && !hasHeader(headerPairs(headers), "authorization")
    );
  }

  async function perform<T>(call: Call, finish: (answer: Answer) => Promise<T>): Promise<T> {
    const { failure: bodyFailure, ...prepared } = await prepare(call);
    const deadline = startDeadline(call.timeoutMs ?? options.timeoutMs, call.signal, isRepeatable(call));
    let answered = false;
    try {
      deadline.signal.throwIfAborted();
      const attempt = () => exchange.send({ ...prepared, signal: deadline.signal });
      const answer = await withRetries(attempt, isRepeatable(call) ? options.retries : 0, deadline.signal);
      // Workers end a request whose body failed as if it were whole.
      const cutBody = bodyFailure?.();
      if (cutBody !== undefined) throw cutBody.reason;
      answered = true;
      return await finish(answer);
    } catch (error) {
      if (deadline.signal.aborted) throw deadline.signal.reason;
      if (error instanceof VaultError) throw error;
      const failure = bodyFailure?.();
      if (failure !== undefined) throw failure.reason;
      throw connectionFailure({ label: address.label, answered, repeatable: isRepeatable(call) }, error);
    } finally {
      deadline.stop();
    }
  }

  return {
    address,
    token() {
      assertConfidential();
      return options.token();
    },
    raw: (call) =>
      perform(call, async (answer) => {
        const rejected =
          call.rejects === "failures" ? !isSuccess(answer) : answer.header("x-vault-error") !== undefined;
        if (call.rejects !== undefined && rejected) throw await errorFromAnswer(answer, lacksToken(call));
        return answer.response();
      }),
    json: (call) =>
      perform({ ...call, rejects: "failures" }, async (answer) => {
        if (!isSuccess(answer)) throw await errorFromAnswer(answer, lacksToken(call));
        const text = await answer.text(call.maxAnswerBytes ?? MAX_JSON_BYTES);
        if (text === "") return undefined;
        try {
          return JSON.parse(text) as unknown;
        } catch (cause) {
          throw invalidAnswer(address.label, cause);
        }
      }),
    close: () => exchange.close(),
  };
}

function chooseExchange(address: Address, ownFetch: typeof fetch | undefined): Exchange {
  const origin = address.kind === "unix" ? UNIX_ORIGIN : address.origin;
  if (ownFetch !== undefined) return createFetchExchange(origin, ownFetch);
  if (address.kind === "unix") {
    if (hasNodeModules()) return createNodeExchange(origin, address.socketPath);
    throw new VaultError(0, "invalid_address", "unix sockets need Node.js, Bun or Deno");
  }
  return isNode() ? createNodeExchange(origin, undefined) : createFetchExchange(origin, platformFetch());
}

function headersOf(call: Call, contentType: string | undefined, token: string): WireRequest["headers"] {
  if (!/^[\x21-\x7e]*$/.test(token)) throw invalidRequest("the token holds a character that no token has");
  const given = headerPairs(call.headers);
  const keptAuthorization = call.keepAuthorization === true && hasHeader(given, "authorization");
  const useToken = token !== "" && !keptAuthorization;
  return [
    ...given.filter(([name]) => !(useToken && name.toLowerCase() === "authorization")),
    ...(contentType !== undefined && !hasHeader(given, "content-type")
      ? [["content-type", contentType] as const]
      : []),
    ...(useToken ? [["authorization", `Bearer ${token}`] as const] : []),
  ];
}

/** What reads the vault's own state: a second time does no harm, and counts towards no limit. */
function isRepeatable({ method, rejects }: Call): boolean {
  return method === "GET" && rejects === "failures";
}

function isSuccess(answer: Answer): boolean {
  return answer.status >= 200 && answer.status < 300;
}

function invalidAnswer(label: string, cause: unknown): VaultError {
  return new VaultError(0, "invalid_answer", `${label} does not answer like a vault-server`, { cause });
}
