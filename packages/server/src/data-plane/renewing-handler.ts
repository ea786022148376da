import type { Dispatcher } from "undici";
import type { ReadGate } from "../network/read-gate.js";
import type { OutgoingRequest } from "../auth-strategies/auth-strategy.js";
import { canonicalHeaderName } from "../network/header-policy.js";
import type { ServiceRoute } from "./service-routes.js";

/** A refused answer's body is kept up to here while another credential is fetched; then its connection has to wait. */
const HELD_BYTES = 64 * 1024;

type Controller = Dispatcher.DispatchController;

/** What an answer is for in the end. */
export interface RenewableExchange extends Dispatcher.DispatchHandler {
  onRequestStart(controller: Controller): void;
  onResponseStart(controller: Controller, status: number, headers: unknown, reason?: string): void;
  onResponseData(controller: Controller, chunk: Buffer): void;
  onResponseEnd(controller: Controller, trailers: unknown): void;
  onResponseError(controller: Controller, error: Error): void;
  /** Nobody waits for the answer any more. */
  readonly isOver: boolean;
}

export interface RenewalOptions {
  /** Whether the request may be sent a second time (RFC 9110 §9.2.2); `isTokenFault`: the upstream said so itself. */
  readonly mayRepeat: (isTokenFault: boolean) => boolean;
  /** Puts another credential into the request. Resolves to whether there is one. */
  readonly renew: () => Promise<boolean>;
  readonly resend: () => void;
  /** Keeps the cookies of an answer's head, also of one that nobody will see. */
  readonly takeCookies?: ((rawHeaders: readonly Buffer[]) => void) | undefined;
  /** The gate of the connection whose bytes are being handled in this very turn. */
  readonly currentGate: () => ReadGate | undefined;
}

/** A 401 that the caller has not seen yet. */
interface HeldAnswer {
  readonly controller: Controller;
  readonly start: readonly [status: number, headers: unknown, reason: string | undefined];
  /** Of its connection; once it has ended, how that was then. */
  gate: ReadGate | undefined;
  readonly chunks: Buffer[];
  bytes: number;
  end?: { readonly trailers: unknown };
  error?: Error;
}

/**
 * Stands before an exchange whose credential may have expired before its time: holds a 401 back until there is another
 * credential, and sends the request once more with that, or else lets the 401 go on its way. Once a call.
 */
export class RenewingHandler implements Dispatcher.DispatchHandler {
  readonly #options: RenewalOptions;
  #exchange: RenewableExchange | undefined;
  #held: HeldAnswer | undefined;
  /** Of an answer that nobody will see; what it still brings finds no one. */
  #dropped: Controller | undefined;
  #gateOfAnswer: () => ReadGate | undefined;
  #isDone = false;

  constructor(options: RenewalOptions) {
    this.#options = options;
    this.#gateOfAnswer = options.currentGate;
  }

  /** To be called once, before the request is sent. */
  serve(exchange: RenewableExchange): void {
    this.#exchange = exchange;
  }

  /** For the exchange: the gate of the answer that it gets, which may be a held one. */
  readonly currentGate = (): ReadGate | undefined => this.#gateOfAnswer();

  onRequestStart(controller: Controller): void {
    this.#exchange?.onRequestStart(controller);
  }

  onRequestUpgrade(...args: Parameters<NonNullable<Dispatcher.DispatchHandler["onRequestUpgrade"]>>): void {
    this.#exchange?.onRequestUpgrade?.(...args);
  }

  onResponseStart(controller: Controller, status: number, headers: unknown, reason?: string): void {
    if (status !== 401 || !this.#mayRenew(controller)) {
      this.#exchange?.onResponseStart(controller, status, headers, reason);
      return;
    }
    this.#isDone = true;
    this.#held = {
      controller,
      start: [status, headers, reason],
      gate: this.#options.currentGate(),
      chunks: [],
      bytes: 0,
    };
    const { renew, takeCookies } = this.#options;
    takeCookies?.(controller.rawHeaders as readonly Buffer[]);
    void renew().then(this.#decide, () => this.#decide(false));
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    const held = this.#held;
    if (this.#isDropped(controller)) return;
    if (held === undefined) {
      this.#exchange?.onResponseData(controller, chunk);
      return;
    }
    held.chunks.push(chunk);
    held.bytes += chunk.length;
    if (held.bytes > HELD_BYTES) held.gate?.close();
  }

  onResponseEnd(controller: Controller, trailers: unknown): void {
    const held = this.#held;
    if (this.#isDropped(controller)) return;
    if (held === undefined) {
      this.#exchange?.onResponseEnd(controller, trailers);
      return;
    }
    const { gate } = held;
    held.gate = gate && atEnd(gate);
    gate?.answerEnded();
    gate?.open();
    held.end = { trailers };
  }

  onResponseError(controller: Controller, error: Error): void {
    if (this.#isDropped(controller)) return;
    if (this.#held === undefined) this.#exchange?.onResponseError(controller, error);
    else this.#held.error = error;
  }

  /** A request that never left has no controller. */
  #isDropped(controller: Controller | undefined): boolean {
    return controller !== undefined && controller === this.#dropped;
  }

  #mayRenew({ rawHeaders }: Controller): boolean {
    return (
      !this.#isDone &&
      this.#exchange?.isOver === false &&
      this.#options.mayRepeat(saysInvalidToken(rawHeaders as readonly Buffer[]))
    );
  }

  readonly #decide = (isRenewed: boolean): void => {
    const held = this.#held;
    const exchange = this.#exchange;
    this.#held = undefined;
    if (held === undefined || exchange === undefined) return;
    held.gate?.open();
    try {
      if (!isRenewed || exchange.isOver) {
        this.#replay(held, exchange);
        return;
      }
      this.#dropped = held.controller;
      if (held.end === undefined) held.controller.abort(new Error("the request is sent once more"));
      this.#options.resend();
    } catch (error) {
      // What undici does with what its handlers throw.
      held.controller.abort(error as Error);
      exchange.onResponseError(held.controller, error as Error);
    } finally {
      this.#gateOfAnswer = this.#options.currentGate;
    }
  };

  #replay({ controller, start, gate, chunks, end, error }: HeldAnswer, exchange: RenewableExchange): void {
    this.#gateOfAnswer = () => gate;
    exchange.onResponseStart(controller, ...start);
    for (const chunk of chunks) exchange.onResponseData(controller, chunk);
    // Its connection was told when it ended, and may be at another answer by now.
    this.#gateOfAnswer = () => undefined;
    if (error !== undefined) exchange.onResponseError(controller, error);
    else if (end !== undefined) exchange.onResponseEnd(controller, end.trailers);
  }
}

/**
 * The handler to put before the exchange of a call.
 * @returns undefined where the credential does not change
 */
export function renewingFor(
  { injector, currentGate }: ServiceRoute,
  outgoing: OutgoingRequest,
  repetition: Pick<RenewalOptions, "mayRepeat" | "resend" | "takeCookies">,
): RenewingHandler | undefined {
  if (injector.renew === undefined) return undefined;
  return new RenewingHandler({
    ...repetition,
    renew: async () => (await injector.renew?.(outgoing)) === true,
    currentGate,
  });
}

/**
 * The gate of an answer that has ended. Its connection may be closed by now, which says nothing of the answer any more,
 * or be at another answer, which must not be held back.
 */
function atEnd({ isHttp10, failure }: ReadGate): ReadGate {
  const ignore = (): void => undefined;
  return { isHttp10, failure, close: ignore, open: ignore, answerEnded: ignore };
}

/** RFC 6750 §3.1. */
function saysInvalidToken(rawHeaders: readonly Buffer[] | null): boolean {
  if (rawHeaders === null) return false;
  return rawHeaders.some(
    (field, index) =>
      index % 2 === 1 &&
      canonicalHeaderName(rawHeaders[index - 1]?.toString("latin1") ?? "") === "www-authenticate" &&
      saysError(field.toString("latin1")),
  );
}

/** An `auth-param` (RFC 9110 §11.2): its name, and its value as a quoted string or a token. */
const AUTH_PARAM = /([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g;

function saysError(challenge: string): boolean {
  for (const [, name = "", quoted, token] of challenge.matchAll(AUTH_PARAM)) {
    if (name.toLowerCase() === "error" && (quoted ?? token) === "invalid_token") return true;
  }
  return false;
}
