import type { IncomingMessage } from "node:http";
import { discardRest, RequestBody, type BodyFraming, type RequestBodyOptions } from "./request-body.js";

/** A longer body is not kept for a second try with another credential, not even where it has come at once. */
const REPEATABLE_BYTES = 64 * 1024;

export interface OutgoingBodyOptions extends Omit<RequestBodyOptions, "keep"> {
  /** Whether the call may have to be sent once more. */
  readonly mayRepeat: boolean;
}

/**
 * What goes upstream as the body of one call: one Buffer where all of it has come when the call is sent, which costs a
 * fraction of a stream; else the caller's body as it comes.
 */
export class OutgoingBody {
  readonly #request: IncomingMessage;
  readonly #framing: BodyFraming;
  readonly #options: OutgoingBodyOptions;
  #stream: RequestBody | undefined;
  #whole: Buffer | null = null;

  constructor(request: IncomingMessage, framing: BodyFraming, options: OutgoingBodyOptions) {
    this.#request = request;
    this.#framing = framing;
    this.#options = options;
  }

  /** For `dispatch`. */
  get payload(): RequestBody | Buffer | null {
    return this.#stream ?? this.#whole;
  }

  /** Whether {@link OutgoingBody.repeat} gives the same once more. */
  get isKept(): boolean {
    return this.#stream === undefined || this.#stream.kept !== undefined;
  }

  /** To be called once, before the call is sent. May end the call, as any piece of a body may. */
  open(): void {
    if (!this.#framing.hasBody) return;
    const { countBytes, inspect, mayRepeat, ...options } = this.#options;
    const whole = this.#takeWhole();
    if (whole === undefined) {
      const keep = mayRepeat ? REPEATABLE_BYTES : 0;
      this.#stream = new RequestBody(this.#request, { ...options, countBytes, inspect, keep });
      return;
    }
    this.#whole = whole;
    countBytes(whole.length);
    inspect?.(whole);
  }

  /** From now on the payload is what was kept. */
  repeat(): void {
    this.#whole = this.#stream?.kept ?? this.#whole;
    this.#stream = undefined;
  }

  /** What the upstream did not take is read away, also where undici never began to read it. */
  drop(): void {
    if (this.#stream !== undefined) this.#stream.destroy();
    else if (this.#framing.hasBody) discardRest(this.#request);
  }

  #takeWhole(): Buffer | undefined {
    const { readableLength } = this.#request;
    if (readableLength === 0 || readableLength > REPEATABLE_BYTES) return undefined;
    if (readableLength !== this.#framing.contentLength) return undefined;
    return this.#request.read() as Buffer;
  }
}
