import type { ServerResponse } from "node:http";
import { pipeline, type Transform } from "node:stream";
import type { SecretMatcher } from "../scrubbing/secret-matcher.js";
import type { AnswerPlan } from "./answer-plan.js";
import { createDecoders } from "./content-decoding.js";
import { ScrubbedOutput } from "./scrubbed-output.js";

/** Takes the body of an upstream's answer, and writes to the caller what is to reach it. Does not end the response. */
export interface AnswerBody {
  /** @returns false if it wants no more before `onDrain` */
  write(chunk: Buffer): boolean;
  /** Nothing more comes; `onEnd` follows when all was written, at once or later. */
  end(): void;
  /** Nothing is written any more. */
  abandon(): void;
  /** Secrets overwritten so far. */
  readonly hits: number;
  /** Whether anything of it was written to the caller. */
  readonly hasWritten: boolean;
}

export interface AnswerBodyEvents {
  readonly onDrain: () => void;
  readonly onEnd: () => void;
  /** The body cannot be decoded. */
  readonly onFailure: () => void;
}

export function createAnswerBody(
  response: ServerResponse,
  plan: Exclude<AnswerPlan, { kind: "refuse" }>,
  matcher: (() => SecretMatcher) | undefined,
  events: AnswerBodyEvents,
): AnswerBody {
  if (plan.kind === "pass" || matcher === undefined) return new PassedBody(response, events);
  const output = new ScrubbedOutput(response, matcher, { edges: plan.edges });
  return plan.codings.length === 0
    ? new ScrubbedBody(response, output, events)
    : new DecodedBody(response, output, createDecoders(plan.codings), events);
}

class PassedBody implements AnswerBody {
  readonly hits = 0;
  hasWritten = false;
  readonly #response: ServerResponse;
  readonly #events: AnswerBodyEvents;

  constructor(response: ServerResponse, events: AnswerBodyEvents) {
    this.#response = response;
    this.#events = events;
    response.on("drain", events.onDrain);
  }

  write(chunk: Buffer): boolean {
    this.hasWritten ||= chunk.length > 0;
    return this.#response.write(chunk);
  }

  end(): void {
    this.abandon();
    this.#events.onEnd();
  }

  abandon(): void {
    this.#response.off("drain", this.#events.onDrain);
  }
}

class ScrubbedBody implements AnswerBody {
  readonly #response: ServerResponse;
  readonly #output: ScrubbedOutput;
  readonly #events: AnswerBodyEvents;

  constructor(response: ServerResponse, output: ScrubbedOutput, events: AnswerBodyEvents) {
    this.#response = response;
    this.#output = output;
    this.#events = events;
    response.on("drain", events.onDrain);
  }

  get hits(): number {
    return this.#output.hits;
  }

  get hasWritten(): boolean {
    return this.#output.hasWritten;
  }

  write(chunk: Buffer): boolean {
    return this.#output.write(chunk);
  }

  end(): void {
    this.#output.finish();
    this.abandon();
    this.#events.onEnd();
  }

  abandon(): void {
    this.#output.abandon();
    this.#response.off("drain", this.#events.onDrain);
  }
}

/** Decodes before it scrubs: a compressed text shows no secret, and its receiver would find it all the same. */
class DecodedBody implements AnswerBody {
  readonly #response: ServerResponse;
  readonly #output: ScrubbedOutput;
  readonly #first: Transform;
  readonly #last: Transform;
  readonly #events: AnswerBodyEvents;
  #isEmpty = true;
  #isOver = false;
  /** The encoded data is complete, whether or not the message is. */
  #isDecoded = false;
  #hasEnded = false;

  constructor(
    response: ServerResponse,
    output: ScrubbedOutput,
    decoders: readonly Transform[],
    events: AnswerBodyEvents,
  ) {
    const [first] = decoders;
    const last = decoders.at(-1);
    if (first === undefined || last === undefined) throw new Error("no content coding to undo");
    this.#response = response;
    this.#output = output;
    this.#events = events;
    this.#first = first;
    this.#last = last;
    response.on("drain", this.#onResponseDrain);
    first.on("drain", events.onDrain);
    last.on("data", (decoded: Buffer) => {
      if (!this.#isOver && !this.#output.write(decoded)) last.pause();
    });
    last.on("end", this.#onDecoded);
    if (decoders.length === 1) first.on("error", this.#onError);
    else pipeline(decoders, (error) => error && this.#onError());
  }

  get hits(): number {
    return this.#output.hits;
  }

  get hasWritten(): boolean {
    return this.#output.hasWritten;
  }

  write(chunk: Buffer): boolean {
    this.#isEmpty &&= chunk.length === 0;
    // Bytes behind the encoded data: what they are cannot be told, and dropping them would hide a broken answer.
    if (this.#isDecoded) this.#onError();
    return this.#isOver || this.#first.write(chunk);
  }

  end(): void {
    this.#hasEnded = true;
    // Servers name a coding also where there is nothing to encode; to a decoder that is a broken stream.
    if (this.#isEmpty || this.#isDecoded) this.#finish();
    else this.#first.end();
  }

  abandon(): void {
    this.#isOver = true;
    this.#output.abandon();
    this.#response.off("drain", this.#onResponseDrain);
    this.#first.destroy();
    this.#last.destroy();
  }

  readonly #onResponseDrain = (): void => {
    this.#last.resume();
  };

  #finish(): void {
    if (this.#isOver) return;
    this.#output.finish();
    this.abandon();
    this.#events.onEnd();
  }

  /** A decoder may see the end of its data before the message ends, which alone says that the answer is whole. */
  readonly #onDecoded = (): void => {
    this.#isDecoded = true;
    if (this.#hasEnded) this.#finish();
  };

  readonly #onError = (): void => {
    if (this.#isOver) return;
    this.abandon();
    this.#events.onFailure();
  };
}
