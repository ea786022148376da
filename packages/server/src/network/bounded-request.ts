import { Client } from "undici";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { createConnector } from "./connector.js";
import { describeUpstreamError } from "./upstream-errors.js";

/** What one request of the vault's own may cost: to a token endpoint, never to an API. */
const LIMITS = {
  connectTimeoutMs: 10_000,
  /** Head and body together, connecting included. Long: who gives up has lost what a provider sends only once. */
  totalTimeoutMs: 90_000,
  answerBytes: 1024 * 1024,
  answerHeaderBytes: 64 * 1024,
  /** Kept for destinations that are trusted differently. */
  connectors: 100,
} as const;

/** Where a request may go, and whom it trusts: the settings of the service that it is for. */
export interface RequestDestination {
  /** Whether private addresses and plain http are allowed. */
  readonly allowPrivate: boolean;
  /** PEM certificates trusted beside the system's roots. */
  readonly ca?: string | undefined;
  readonly rejectUnauthorized: boolean;
}

export interface BoundedRequest {
  readonly url: string;
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly destination: RequestDestination;
  readonly signal: AbortSignal;
}

export interface BoundedAnswer {
  readonly status: number;
  /** Names in lower case; of a repeated field the first value. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** The answer had begun, and did not end as it should. */
export class BrokenAnswerError extends VaultProxyError {
  /** What came of it. */
  readonly answer: BoundedAnswer;

  constructor(error: VaultProxyError, answer: BoundedAnswer) {
    super(error.code, error.message, { cause: error });
    this.answer = answer;
  }
}

/**
 * Sends one request and reads its whole answer. Redirects are not followed. The answer's text is the far end's, which
 * may repeat what was sent: it must reach no message and no log.
 *
 * @throws VaultProxyError `destination_blocked`, `upstream_failed`, `upstream_timeout`; of those a BrokenAnswerError
 *   once the answer has begun; the signal's reason if aborted.
 */
export type SendBounded = (request: BoundedRequest) => Promise<BoundedAnswer>;

/** @param egressProxy as for proxied calls */
export function createBoundedSender(
  egressProxy: URL | undefined,
  { totalTimeoutMs }: { readonly totalTimeoutMs: number } = LIMITS,
): SendBounded {
  // The trust of each is read once: with a `tls_ca` that takes 20 ms.
  const connectors = new Map<string, ReturnType<typeof createConnector>>();
  const connectorFor = (destination: RequestDestination): ReturnType<typeof createConnector> => {
    const { allowPrivate, ca, rejectUnauthorized } = destination;
    const key = JSON.stringify([allowPrivate, rejectUnauthorized, ca]);
    const known = connectors.get(key);
    if (known !== undefined) return known;
    const [oldest] = connectors.keys();
    if (connectors.size >= LIMITS.connectors && oldest !== undefined) connectors.delete(oldest);
    const { connectTimeoutMs } = LIMITS;
    const made = createConnector({ ...destination, connectTimeoutMs, egressProxy });
    connectors.set(key, made);
    return made;
  };

  return async ({ url, method, headers, body, destination, signal }) => {
    const target = new URL(url);
    const client = new Client(target.origin, {
      connect: connectorFor(destination),
      pipelining: 1,
      allowH2: false,
      maxHeaderSize: LIMITS.answerHeaderBytes,
      headersTimeout: totalTimeoutMs,
      bodyTimeout: totalTimeoutMs,
    });
    const deadline = AbortSignal.timeout(totalTimeoutMs);
    const toError = (error: unknown): VaultProxyError => {
      signal.throwIfAborted();
      if (error instanceof BrokenAnswerError) return error;
      if (deadline.aborted) return new VaultProxyError("upstream_timeout", "no complete answer came in time");
      return error instanceof VaultProxyError ? error : describeUpstreamError(error);
    };
    try {
      const answer = await client.request({
        path: `${target.pathname}${target.search}`,
        method,
        headers: { ...headers, connection: "close" },
        ...(body === undefined ? {} : { body }),
        signal: AbortSignal.any([signal, deadline]),
      });
      const head = { status: answer.statusCode, headers: firstValues(answer.headers) };
      const chunks: Buffer[] = [];
      try {
        await readAll(answer.body, chunks);
      } catch (error) {
        throw new BrokenAnswerError(toError(error), { ...head, body: Buffer.concat(chunks) });
      }
      return { ...head, body: Buffer.concat(chunks) };
    } catch (error) {
      throw toError(error);
    } finally {
      await client.destroy();
    }
  };
}

async function readAll(body: AsyncIterable<Buffer>, chunks: Buffer[]): Promise<void> {
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > LIMITS.answerBytes) throw new VaultProxyError("upstream_failed", "the answer is too long");
    chunks.push(chunk);
  }
}

function firstValues(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): ReadonlyMap<string, string> {
  const first = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) {
    const text = Array.isArray(value) ? value[0] : value;
    if (text !== undefined) first.set(name, text);
  }
  return first;
}
