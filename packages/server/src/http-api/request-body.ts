import type { Context, MiddlewareHandler } from "hono";
import { sizeText } from "../errors/size-text.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { HTTP_API_LIMITS } from "./http-api-limits.js";
import { holdsRepeatedField } from "./repeated-field.js";

export const MERGE_PATCH_MEDIA_TYPE = "application/merge-patch+json";

const UNCODED = /^(?:identity)?$/i;

export interface BodyLimit {
  readonly maxBytes: number;
  readonly tooLarge: () => VaultProxyError;
}

/**
 * A request's body as it comes.
 * @throws VaultProxyError at once: `unsupported_media_type` for a body in a content coding (RFC 9110 §8.4), since the checks and
 * limits are for what it would decode to; and what `tooLarge` makes, if more is announced. While it is read: the same as soon as
 * more came, and `invalid_request` if the sender went away.
 */
export function streamBody(request: Request, { maxBytes, tooLarge }: BodyLimit): AsyncGenerator<Uint8Array> {
  if (!UNCODED.test(request.headers.get("content-encoding") ?? "")) {
    throw new VaultProxyError("unsupported_media_type", "Content-Encoding must be identity or absent");
  }
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw tooLarge();
  return readChunks(request, { maxBytes, tooLarge });
}

async function* readChunks(request: Request, { maxBytes, tooLarge }: BodyLimit): AsyncGenerator<Uint8Array> {
  let size = 0;
  const reader = (request.body as ReadableStream<Uint8Array> | null)?.getReader();
  while (reader !== undefined) {
    const { done, value } = await reader.read().catch((cause: unknown) => {
      throw new VaultProxyError("invalid_request", "body: did not arrive completely", { cause });
    });
    if (done) return;
    size += value.byteLength;
    if (size > maxBytes) {
      void reader.cancel().catch(() => undefined);
      throw tooLarge();
    }
    yield value;
  }
}

/**
 * Reads a request's whole body.
 * @param what is said where it is larger than that
 * @throws VaultProxyError `unsupported_media_type`, `body_too_large`, `invalid_request`; see `streamBody`
 */
export async function readBody(
  request: Request,
  maxBytes: number,
  what = `the body is larger than ${sizeText(maxBytes)}`,
): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = (): VaultProxyError => new VaultProxyError("body_too_large", what);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of streamBody(request, { maxBytes, tooLarge })) {
    size += chunk.byteLength;
    chunks.push(chunk);
  }
  const body = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    body.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return body;
}

/** The media type of a Content-Type value without its parameters, in lower case (RFC 9110 §8.3.1). */
export function mediaTypeOf(contentType: string | undefined): string {
  return (contentType?.split(";", 1)[0] ?? "").trim().toLowerCase();
}

/**
 * Lets through to validation only a JSON body that is small enough, says that it is JSON, is well-formed, and names no field
 * twice. No body
 * counts as `{}` and needs no Content-Type, so that the answer names the field that is missing.
 */
export const jsonBody: MiddlewareHandler = requireJsonBody(["application/json"]);

/** The same of a change, which may say that it is one (RFC 7396 §4). */
export const mergePatchBody: MiddlewareHandler = requireJsonBody([
  "application/json",
  MERGE_PATCH_MEDIA_TYPE,
]);

function requireJsonBody(mediaTypes: readonly string[]): MiddlewareHandler {
  return async function requireJson(c, next) {
    const bytes = await readBody(c.req.raw, HTTP_API_LIMITS.jsonBodyBytes);
    if (bytes.byteLength > 0 && !mediaTypes.includes(mediaTypeOf(c.req.header("content-type")))) {
      throw new VaultProxyError("unsupported_media_type", `Content-Type must be ${mediaTypes.join(" or ")}`);
    }
    const text = bytes.byteLength === 0 ? "{}" : decodeText(bytes);
    replaceBody(c, text, parse(text));
    await next();
  };
}

/**
 * Puts JSON in the place of a request's body, for the validation that comes next.
 * @param value what the text says
 * @throws VaultProxyError `invalid_request` for a field that validation would overlook
 */
export function replaceBody(c: Context, json: string, value: unknown): void {
  const { raw } = c.req;
  refuseUnseenKeys(value);
  const headers = new Headers(raw.headers);
  headers.set("content-type", "application/json");
  c.req.raw = new Request(raw.url, { method: raw.method, headers, body: json });
}

/** A body's text. @throws VaultProxyError `invalid_request` unless it is UTF-8 */
export function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new VaultProxyError("invalid_request", "body: is not valid UTF-8");
  }
}

function parse(text: string): unknown {
  const value = parseJson(text);
  if (holdsRepeatedField(text)) throw new VaultProxyError("invalid_request", "body: names a field twice");
  return value;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the body.
    throw new VaultProxyError("invalid_request", "body: is not valid JSON");
  }
}

/** Schemas skip `__proto__` in a record without a word; what was sent must be kept or refused. */
function refuseUnseenKeys(body: unknown): void {
  const open: unknown[] = [body];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (typeof value !== "object" || value === null) continue;
    if (Object.hasOwn(value, "__proto__")) {
      throw new VaultProxyError("invalid_request", "body: unknown field __proto__");
    }
    for (const inner of Object.values(value))
      if (typeof inner === "object" && inner !== null) open.push(inner);
  }
}
