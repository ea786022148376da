import type { Unwritten } from "./audit-file.js";
import { CHAIN_START, type ChainEnd, type SealedLine } from "./chain.js";

/** What is to be done with the files between two lines: go on to the next one, remove those that are too many. */
export type FileStep = { readonly type: "next file"; readonly isMoved: boolean } | { readonly type: "prune" };

/** Lines that are written together. */
export interface Batch extends Unwritten {
  readonly end: ChainEnd;
  readonly lines: number;
  /** What `bytes` is a part of. */
  readonly memory: Buffer;
}

/** Lines that follow each other, as the bytes that they will be on the disk: what waits is no work for the garbage collector. */
interface Lines {
  readonly type: "lines";
  readonly bytes: Buffer;
  used: number;
  lines: number;
  end: ChainEnd;
}

/** Sealed lines that are not on their way to the disk yet, in the order of the chain, and what is to be done between them. */
export class WriteQueue {
  readonly #steps: (FileStep | Lines)[] = [];
  readonly #batchBytes: number;
  #lines = 0;
  #bytes = 0;
  /** Of a batch that was written, for another. */
  #spare: Buffer | undefined;

  /** @param batchBytes of a batch at most, unless it is of one line that is longer */
  constructor(batchBytes: number) {
    this.#batchBytes = batchBytes;
  }

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

  /**
   * @param most bytes that `write` may write
   * @returns the bytes of the line
   */
  addLine(most: number, write: (into: Buffer, at: number) => SealedLine): number {
    const last = this.#steps.at(-1);
    const lines =
      last?.type === "lines" && last.used + most <= last.bytes.length ? last : this.#newLines(most);
    const { size, end } = write(lines.bytes, lines.used);
    if (lines !== last) this.#steps.push(lines);
    lines.used += size;
    lines.lines += 1;
    lines.end = end;
    this.#lines += 1;
    this.#bytes += size;
    return size;
  }

  addStep(step: FileStep): void {
    this.#steps.push(step);
  }

  /** Takes the lines of one file that come next out of the queue. */
  takeBatch(): Batch | undefined {
    const next = this.#steps[0];
    if (next?.type !== "lines") return undefined;
    this.#steps.shift();
    const { bytes: memory, used, end, lines } = next;
    return { memory, bytes: memory.subarray(0, used), offset: 0, end, lines };
  }

  /** A batch is on the disk, and no longer waits. */
  written({ memory, bytes, lines }: Batch): void {
    this.#lines -= lines;
    this.#bytes -= bytes.length;
    if (memory.length === this.#batchBytes) this.#spare = memory;
  }

  /** What comes next, if that is no line. */
  nextStep(): FileStep | undefined {
    const step = this.#steps[0];
    return step?.type === "lines" ? undefined : step;
  }

  stepDone(): void {
    this.#steps.shift();
  }

  #newLines(most: number): Lines {
    const isUsual = most <= this.#batchBytes;
    const bytes = (isUsual ? this.#spare : undefined) ?? Buffer.allocUnsafe(Math.max(most, this.#batchBytes));
    if (bytes === this.#spare) this.#spare = undefined;
    return { type: "lines", bytes, used: 0, lines: 0, end: CHAIN_START };
  }
}
