import { VaultError } from "./errors.js";

/** Of an API's word on its error. */
const MAX_BYTES = 64 * 1024;
/** Milliseconds, in which that word must come: an error is no stream. */
const MAX_WAIT_MS = 5_000;

/**
 * What `proxyStream` throws for an API's 3xx, 4xx and 5xx. Its `response` has the beginning of the body: as much as came in
 * time and before the connection broke off.
 * @throws the reason of the caller's signal
 */
export async function upstreamStatusError(
  response: Response,
  requestId: string | undefined,
  signal: AbortSignal | undefined,
): Promise<VaultError> {
  const { status, statusText, headers, url } = response;
  const beginning = await beginningOf(response.body as ReadableStream<Uint8Array> | null);
  signal?.throwIfAborted();
  // The constructor takes no body, not even an empty one, with 304.
  const body = beginning.byteLength === 0 ? null : beginning;
  // The constructor takes 200 to 599 only, but APIs answer with others too.
  const answer = new Response(body, { status: Math.min(status, 599), statusText, headers });
  Object.defineProperties(answer, { status: { value: status }, url: { value: url } });
  const next = headers.has("location") ? ": its `response` has the `location` to follow" : "";
  return new VaultError(status, "upstream_status", `the API answered HTTP ${status}${next}`, {
    requestId,
    response: answer,
  });
}

async function beginningOf(body: ReadableStream<Uint8Array> | null): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(MAX_BYTES);
  let length = 0;
  if (body === null) return bytes.slice(0, 0);
  const reader = body.getReader();
  // Ends a read that waits, as well.
  const leave = (): void => void reader.cancel().catch(() => undefined);
  const timer = setTimeout(leave, MAX_WAIT_MS);
  try {
    while (length < MAX_BYTES) {
      const next = await reader.read();
      if (next.done) break;
      const fitting = next.value.subarray(0, MAX_BYTES - length);
      bytes.set(fitting, length);
      length += fitting.byteLength;
    }
  } catch {
    // What came is all there is.
  } finally {
    clearTimeout(timer);
    leave();
  }
  return bytes.slice(0, length);
}
