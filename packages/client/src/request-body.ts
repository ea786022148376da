import { invalidRequest } from "./errors.js";
import { chunksOf } from "./response-chunks.js";

/**
 * What a call may send. Plain objects and arrays are sent as JSON. Bytes (any view of them), strings and streams are sent as they are,
 * with `Content-Type: application/json` unless the caller names another one (as the Go client does); a typed `Blob`,
 * `FormData` and `URLSearchParams` bring their own.
 */
export type RequestBody =
  | string
  | ArrayBufferView
  | ArrayBuffer
  | Blob
  | FormData
  | URLSearchParams
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array | string>
  | object
  | null
  | undefined;

export interface EncodedBody {
  readonly body?: string | Uint8Array<ArrayBuffer> | Blob | ReadableStream<Uint8Array>;
  readonly contentType?: string;
  /** Of a stream: why it failed, if it did. */
  readonly failure?: (() => { readonly reason: unknown } | undefined) | undefined;
}

const JSON_TYPE = "application/json";

export async function encodeBody(body: RequestBody): Promise<EncodedBody> {
  if (body === undefined || body === null) return {};
  if (typeof body === "string") return { body, contentType: JSON_TYPE };
  if (typeof body !== "object") {
    throw invalidRequest(
      `a ${typeof body} is no body: send text, bytes, or an object that is written as JSON`,
    );
  }
  if (ArrayBuffer.isView(body)) return { body: bytesOf(body), contentType: JSON_TYPE };
  if (body instanceof ArrayBuffer) return { body: new Uint8Array(body), contentType: JSON_TYPE };
  if (body instanceof Blob) return { body, contentType: body.type === "" ? JSON_TYPE : body.type };
  if (body instanceof URLSearchParams) {
    return {
      body: body.toString(),
      contentType: "application/x-www-form-urlencoded;charset=UTF-8",
    };
  }
  if (isForm(body)) return encodeForm(body);
  if (body instanceof ReadableStream) {
    return watched(chunksOf(body));
  }
  if (Symbol.asyncIterator in body) {
    return watched(body as AsyncIterable<Uint8Array | string>);
  }
  return { body: asJson(body), contentType: JSON_TYPE };
}

function bytesOf(view: ArrayBufferView): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = view;
  if (buffer instanceof ArrayBuffer) return new Uint8Array(buffer, byteOffset, byteLength);
  // A view of a SharedArrayBuffer is no BodyInit, and copying is cheap beside sending.
  return new Uint8Array(new Uint8Array(buffer, byteOffset, byteLength));
}

/** JSON.stringify gives nothing for an object whose toJSON does, and throws for a cycle or a bigint within. */
function asJson(body: object): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(body);
  } catch {
    text = undefined;
  }
  if (text === undefined) throw invalidRequest("the body cannot be written as JSON");
  return text;
}

/** By its tag, because naming the class makes Node load all of its fetch, which costs a command-line start 20 ms. */
function isForm(body: object): body is FormData {
  return Object.prototype.toString.call(body) === "[object FormData]";
}

/** In memory, since many APIs refuse a form without Content-Length. */
async function encodeForm(form: FormData): Promise<EncodedBody> {
  const encoded = new Response(form);
  const contentType = encoded.headers.get("content-type") ?? "multipart/form-data";
  return { body: new Uint8Array(await encoded.arrayBuffer()), contentType };
}

/** A stream whose failure is kept: what sends it tells no more than that the request broke off. */
function watched(source: AsyncIterable<Uint8Array | string>): EncodedBody {
  let failure: { readonly reason: unknown } | undefined;
  const body = streamOf(source, (reason) => (failure = { reason }));
  return { body, contentType: JSON_TYPE, failure: () => failure };
}

function streamOf(
  source: AsyncIterable<Uint8Array | string>,
  onFailure: (reason: unknown) => void,
): ReadableStream<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = await nextOf(iterator, onFailure);
      if (next.done === true) controller.close();
      else controller.enqueue(typeof next.value === "string" ? encoder.encode(next.value) : next.value);
    },
    async cancel(reason) {
      await iterator.return?.(reason);
    },
  });
}

async function nextOf<Piece>(
  iterator: AsyncIterator<Piece>,
  onFailure: (reason: unknown) => void,
): Promise<IteratorResult<Piece>> {
  try {
    return await iterator.next();
  } catch (reason) {
    onFailure(reason);
    throw reason;
  }
}
