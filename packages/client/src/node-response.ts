import type { IncomingMessage } from "node:http";

/** Statuses whose `Response` is made without a body (Fetch standard, "null body status"). */
const NULL_BODY_STATUSES = new Set([204, 205, 304]);

export interface AnsweredRequest {
  readonly method: string;
  readonly url: string;
  readonly signal: AbortSignal;
}

/** A Node answer as a platform `Response`; its body fails when the connection ends too early or the signal fires. */
export function responseOf(incoming: IncomingMessage, request: AnsweredRequest): Response {
  const status = incoming.statusCode ?? 0;
  const bodiless = request.method === "HEAD" || NULL_BODY_STATUSES.has(status);
  if (bodiless) incoming.resume();
  // The constructor takes 200 to 599 only, but APIs answer with others too.
  const constructible = status >= 200 && status <= 599;
  const response = new Response(bodiless ? null : bodyOf(incoming, request.signal), {
    status: constructible ? status : 200,
    statusText: incoming.statusMessage ?? "",
    headers: headerPairs(incoming.rawHeaders),
  });
  Object.defineProperty(response, "url", { value: request.url });
  if (!constructible) Object.defineProperties(response, { status: { value: status }, ok: { value: false } });
  return response;
}

function bodyOf(incoming: IncomingMessage, signal: AbortSignal): ReadableStream<Uint8Array> {
  const chunks = incoming[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  // An answer that nobody reads keeps no process; the socket of one that has ended is the agent's.
  const { socket } = incoming;
  const keepNoProcess = (): void => {
    if (!incoming.readableEnded) socket.unref();
  };
  keepNoProcess();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (!incoming.readableEnded) socket.ref();
        try {
          const next = await chunks.next();
          if (next.done === true) controller.close();
          else
            controller.enqueue(
              new Uint8Array(next.value.buffer, next.value.byteOffset, next.value.byteLength),
            );
          keepNoProcess();
        } catch (cause) {
          controller.error(
            signal.aborted ? signal.reason : new TypeError("the answer was cut off", { cause }),
          );
        }
      },
      cancel() {
        incoming.destroy();
      },
    },
    // Nothing is read before somebody asks: Node's own buffer is enough, and slows the server down when it is full.
    { highWaterMark: 0 },
  );
}

function headerPairs(rawHeaders: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    pairs.push([rawHeaders[at] ?? "", rawHeaders[at + 1] ?? ""]);
  }
  return pairs;
}
