import type { Unwritten } from "./audit-file.js";
import type { ChainEnd, SealedLine } from "./chain.js";

/** What is to be done with the files between two lines: go on to the next one, remove those that are too many. */
export type FileStep = { readonly type: "next file"; readonly isMoved: boolean } | { readonly type: "prune" };

type Step = FileStep | { readonly type: "line"; readonly line: SealedLine };

/** Lines that are written together. */
export interface Batch extends Unwritten {
  readonly end: ChainEnd;
  readonly lines: number;
}

/** Sealed lines that are not on their way to the disk yet, in the order of the chain, and what is to be done between them. */
export class WriteQueue {
  #steps: Step[] = [];
  #lines = 0;
  #bytes = 0;

  /** Lines that wait, those of a batch that is not written yet among them. */
  get lines(): number {
    return this.#lines;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#steps.length === 0;
  }

  addLine(line: SealedLine, bytes: number): void {
    this.#steps.push({ type: "line", line });
    this.#lines += 1;
    this.#bytes += bytes;
  }

  addStep(step: FileStep): void {
    this.#steps.push(step);
  }

  /** Takes the lines of one file that come next out of the queue, up to about so many characters. */
  takeBatch(characters: number): Batch | undefined {
    const texts: string[] = [];
    let taken = 0;
    let end: ChainEnd | undefined;
    for (const step of this.#steps) {
      if (step.type !== "line" || taken >= characters) break;
      texts.push(step.line.text);
      taken += step.line.text.length;
      ({ end } = step.line);
    }
    if (end === undefined) return undefined;
    this.#steps.splice(0, texts.length);
    return { bytes: Buffer.from(texts.join("")), offset: 0, end, lines: texts.length };
  }

  /** A batch is on the disk, and no longer waits. */
  written({ bytes, lines }: Batch): void {
    this.#lines -= lines;
    this.#bytes -= bytes.length;
  }

  /** What comes next, if that is no line. */
  nextStep(): FileStep | undefined {
    const step = this.#steps[0];
    return step === undefined || step.type === "line" ? undefined : step;
  }

  stepDone(): void {
    this.#steps.shift();
  }
}
