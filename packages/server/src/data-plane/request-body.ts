import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { VaultProxyError } from "../errors/vault-proxy-error.js";

const HIGH_WATER_MARK = 64 * 1024;
/** How long the rest of an unwanted body is read and dropped, so that the caller sees the answer and not a reset. */
const DISCARD_MS = 5000;

/**
 * The caller's body on its way upstream, counted, with back-pressure. It stands between the two so that the end of
 * the upstream exchange (an early answer, an abort) does not destroy the caller's connection with it.
 */
export class RequestBody extends Readable {
  readonly #source: IncomingMessage;
  readonly #limit: number;
  #received = 0;

  /** @param limit bytes; more destroys the body with `body_too_large`. */
  constructor(source: IncomingMessage, limit: number) {
    super({ highWaterMark: HIGH_WATER_MARK });
    this.#source = source;
    this.#limit = limit;
    source.pause();
    source
      .on("data", this.#onData)
      .on("end", this.#onEnd)
      .on("close", this.#onClose)
      .on("error", this.#onClose);
  }

  override _read(): void {
    this.#source.resume();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    const source = this.#source;
    source.off("data", this.#onData).off("end", this.#onEnd).off("close", this.#onClose);
    discardRest(source);
    callback(error);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#received += chunk.length;
    if (this.#received > this.#limit) this.destroy(bodyTooLarge(this.#limit));
    else if (!this.push(chunk)) this.#source.pause();
  };

  readonly #onEnd = (): void => {
    this.push(null);
  };

  readonly #onClose = (): void => {
    if (!this.#source.complete) {
      this.destroy(new VaultProxyError("invalid_request", "the request body was cut off"));
    }
  };
}

/**
 * Reads and drops what is left of a request body, for a bounded time: a server that answers and closes while the
 * caller still sends makes the caller's system throw the answer away (RFC 9112 §9.6).
 */
export function discardRest(source: IncomingMessage): void {
  if (source.complete || source.destroyed) return;
  const timer = setTimeout(() => source.socket.destroy(), DISCARD_MS);
  timer.unref();
  const stop = (): void => clearTimeout(timer);
  source.once("end", stop).once("close", stop).on("error", stop);
  source.resume();
}

export function bodyTooLarge(limit: number): VaultProxyError {
  return new VaultProxyError("body_too_large", `the request body is larger than ${limit} bytes`);
}

export interface BodyFraming {
  /** Whether the request has a body at all (RFC 9112 §6.3). */
  readonly hasBody: boolean;
  /** Bytes; undefined for a chunked body. */
  readonly contentLength: number | undefined;
}

/** How the request's body is framed. Node's parser has refused contradicting framing before. */
export function bodyFraming(request: IncomingMessage): BodyFraming {
  if (request.headers["transfer-encoding"] !== undefined) return { hasBody: true, contentLength: undefined };
  const declared = request.headers["content-length"];
  if (declared === undefined) return { hasBody: false, contentLength: undefined };
  return { hasBody: declared !== "0", contentLength: Number(declared) };
}
