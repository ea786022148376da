import type { ServerResponse } from "node:http";
import { pipeline, type Transform } from "node:stream";
import type { PartialMatch } from "../scrubbing/partial-match.js";
import type { SecretMatcher } from "../scrubbing/secret-matcher.js";
import { TextBeginning } from "../scrubbing/text-encoding.js";
import type { AnswerPlan } from "./answer-plan.js";
import { createDecoders, mayBeginEncoded } from "./content-decoding.js";
import { ScrubbedOutput } from "./scrubbed-output.js";

type ScrubPlan = Extract<AnswerPlan, { kind: "scrub" }>;

/** Takes the body of an upstream's answer, and writes to the caller what is to reach it. Does not end the response. */
export interface AnswerBody {
  /** Whether the body may begin so. To be asked once, before all writes. */
  mayBegin(pieces: readonly Buffer[]): boolean;
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
  /** The body cannot be decoded, or is in an encoding that cannot be searched. */
  readonly onFailure: () => void;
  /** A part of a secret showed itself as one. May abandon the body. */
  readonly onPartialMatch: (match: PartialMatch) => void;
}

export function createAnswerBody(
  response: ServerResponse,
  plan: Extract<AnswerPlan, { kind: "pass" }> | ScrubPlan,
  matcher: (() => SecretMatcher) | undefined,
  events: AnswerBodyEvents,
): AnswerBody {
  if (plan.kind === "pass" || matcher === undefined) return new PassedBody(response, events);
  const output = new ScrubbedOutput(response, matcher, {
    edges: plan.edges,
    onPartialMatch: events.onPartialMatch,
  });
  return plan.codings.length === 0
    ? new ScrubbedBody(response, output, plan, events)
    : new DecodedBody(response, output, plan, events);
}

/** Most answers never come to that, and need no listener. @returns false */
function awaitDrain(response: ServerResponse, { onDrain }: AnswerBodyEvents): false {
  response.off("drain", onDrain).once("drain", onDrain);
  return false;
}

class PassedBody implements AnswerBody {
  readonly hits = 0;
  hasWritten = false;
  readonly #response: ServerResponse;
  readonly #events: AnswerBodyEvents;

  constructor(response: ServerResponse, events: AnswerBodyEvents) {
    this.#response = response;
    this.#events = events;
  }

  mayBegin(): boolean {
    return true;
  }

  write(chunk: Buffer): boolean {
    this.hasWritten ||= chunk.length > 0;
    return this.#response.write(chunk) || awaitDrain(this.#response, this.#events);
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
  readonly #plan: ScrubPlan;
  readonly #beginning: TextBeginning;
  readonly #events: AnswerBodyEvents;

  constructor(response: ServerResponse, output: ScrubbedOutput, plan: ScrubPlan, events: AnswerBodyEvents) {
    this.#response = response;
    this.#output = output;
    this.#plan = plan;
    this.#beginning = new TextBeginning(plan.encoding);
    this.#events = events;
  }

  get hits(): number {
    return this.#output.hits;
  }

  get hasWritten(): boolean {
    return this.#output.hasWritten;
  }

  mayBegin(pieces: readonly Buffer[]): boolean {
    const beginning = new TextBeginning(this.#plan.encoding);
    return pieces.every((piece) => beginning.read(piece));
  }

  write(chunk: Buffer): boolean {
    if (this.#beginning.read(chunk)) {
      return this.#output.write(chunk) || awaitDrain(this.#response, this.#events);
    }
    this.abandon();
    this.#events.onFailure();
    return true;
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
  readonly #plan: ScrubPlan;
  readonly #events: AnswerBodyEvents;
  #isEmpty = true;
  #isOver = false;
  /** The encoded data is complete, whether or not the message is. */
  #isDecoded = false;
  #hasEnded = false;

  constructor(response: ServerResponse, output: ScrubbedOutput, plan: ScrubPlan, events: AnswerBodyEvents) {
    const decoders = createDecoders(plan.codings);
    const beginning = new TextBeginning(plan.encoding);
    const [first] = decoders;
    const last = decoders.at(-1);
    if (first === undefined || last === undefined) throw new Error("no content coding to undo");
    this.#response = response;
    this.#output = output;
    this.#plan = plan;
    this.#events = events;
    this.#first = first;
    this.#last = last;
    response.on("drain", this.#onResponseDrain);
    first.on("drain", events.onDrain);
    last.on("data", (decoded: Buffer) => {
      if (this.#isOver) return;
      if (!beginning.read(decoded)) this.#onError();
      else if (!this.#output.write(decoded)) last.pause();
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

  mayBegin(pieces: readonly Buffer[]): boolean {
    return mayBeginEncoded(this.#plan.codings, pieces);
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
