import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { sizeText } from "../errors/size-text.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { CountBytes } from "./chunk-collector.js";

const HIGH_WATER_MARK = 64 * 1024;
/** How long the rest of an unwanted body is read and dropped, so that the caller sees the answer and not a reset. */
const DISCARD_MS = 5000;

export interface RequestBodyOptions {
  /** Bytes; more destroys the body with `body_too_large`. */
  readonly limit: number;
  /** For how many milliseconds the caller may send nothing while more is wanted. */
  readonly idleMs: number;
  readonly countBytes: CountBytes;
  /** Looks at each piece before it goes on; gives why it must not. */
  readonly inspect?: ((chunk: Buffer) => VaultProxyError | undefined) | undefined;
  /** How many bytes are kept so that they can be sent once more; 0 without it. */
  readonly keep?: number | undefined;
}

/**
 * The caller's body on its way upstream, counted, with back-pressure. It stands between the two so that the end of
 * the upstream exchange (an early answer, an abort) does not destroy the caller's connection with it.
 */
export class RequestBody extends Readable {
  readonly #source: IncomingMessage;
  readonly #limit: number;
  readonly #countBytes: CountBytes;
  readonly #inspect: RequestBodyOptions["inspect"];
  readonly #idleTimer: NodeJS.Timeout;
  #received = 0;
  readonly #keep: number;
  #kept: Buffer[] | undefined = [];

  constructor(source: IncomingMessage, options: RequestBodyOptions) {
    super({ highWaterMark: HIGH_WATER_MARK });
    this.#source = source;
    this.#limit = options.limit;
    this.#countBytes = options.countBytes;
    this.#inspect = options.inspect;
    this.#keep = options.keep ?? 0;
    this.#idleTimer = setTimeout(this.#onIdle, options.idleMs);
    source.pause();
    source
      .on("data", this.#onData)
      .on("end", this.#onEnd)
      .on("close", this.#onClose)
      .on("error", this.#onClose);
  }

  /** The whole body, if it has arrived and was short enough to be kept. */
  get kept(): Buffer | undefined {
    const { complete } = this.#source;
    return complete && this.#kept !== undefined ? Buffer.concat(this.#kept) : undefined;
  }

  override _read(): void {
    this.#source.resume();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    const source = this.#source;
    clearTimeout(this.#idleTimer);
    source.off("data", this.#onData).off("end", this.#onEnd).off("close", this.#onClose);
    discardRest(source);
    callback(error);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#received += chunk.length;
    this.#countBytes(chunk.length);
    // That may have ended the call; what is left of the body is read away then, so nothing must pause it.
    if (this.destroyed) return;
    this.#idleTimer.refresh();
    const refusal = this.#received > this.#limit ? bodyTooLarge(this.#limit) : this.#inspect?.(chunk);
    if (this.#received > this.#keep) this.#kept = undefined;
    this.#kept?.push(chunk);
    if (refusal !== undefined) this.destroy(refusal);
    else if (!this.push(chunk)) this.#source.pause();
  };

  readonly #onIdle = (): void => {
    // Held back by a slow upstream, the caller is not to blame; the upstream has time-outs of its own.
    if (this.#source.isPaused()) this.#idleTimer.refresh();
    else this.destroy(new VaultProxyError("invalid_request", "the request body stopped arriving"));
  };

  readonly #onEnd = (): void => {
    clearTimeout(this.#idleTimer);
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
 * caller still sends makes the caller's system throw the answer away (RFC 9112 §9.6). Node would close right behind
 * the last answer of a connection: until the body has ended, only this direction is closed.
 */
export function discardRest(source: IncomingMessage): void {
  if (source.complete || source.destroyed) return;
  const { socket } = source;
  let isLast = false;
  socket.destroySoon = () => {
    isLast = true;
    socket.end();
  };
  const timer = setTimeout(() => socket.destroy(), DISCARD_MS);
  timer.unref();
  const stop = (): void => {
    clearTimeout(timer);
    Reflect.deleteProperty(socket, "destroySoon");
    if (isLast) socket.destroySoon();
  };
  source.once("end", stop).once("close", stop).on("error", ignore).resume();
}

/** What becomes of a body that nobody wants is nobody's business. */
function ignore(): void {
  return undefined;
}

export function bodyTooLarge(limit: number): VaultProxyError {
  return new VaultProxyError(
    "body_too_large",
    `the request body is larger than the service's max_request_bytes: ${sizeText(limit)}`,
  );
}

export interface BodyFraming {
  /** Whether the request has a body at all (RFC 9112 §6.3). */
  readonly hasBody: boolean;
  /** Bytes; undefined for a chunked body. */
  readonly contentLength: number | undefined;
}

/**
 * How the request's body is framed. Node's parser has refused contradicting framing before.
 * @throws VaultProxyError `invalid_request` for a transfer coding other than `chunked` (RFC 9112 §6.1)
 */
export function bodyFraming(request: IncomingMessage): BodyFraming {
  const coding = request.headers["transfer-encoding"];
  if (coding !== undefined) {
    if (coding.trim().toLowerCase() !== "chunked") {
      throw new VaultProxyError("invalid_request", "Transfer-Encoding: only chunked is understood");
    }
    return { hasBody: true, contentLength: undefined };
  }
  const declared = request.headers["content-length"];
  if (declared === undefined) return { hasBody: false, contentLength: undefined };
  return { hasBody: declared !== "0", contentLength: Number(declared) };
}
