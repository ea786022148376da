import type { AuditEntry } from "./audit-entry.js";
import type { AuditKey } from "./audit-key.js";
import type { AuditLimits } from "./audit-limits.js";
import { mostBytesOfLine, sealLine, type ChainEnd } from "./chain.js";
import { UnmadeEntry } from "./entry-members.js";
import { jsonMembers } from "./json-members.js";
import type { LogTail } from "./log-tail.js";
import { fileHeader, lateLine, lostEntries, tornLine } from "./own-lines.js";
import { createTimeText } from "./time-text.js";
import { mayLackMac } from "./without-mac.js";
import type { WriteQueue } from "./write-queue.js";

/**
 * Entries are made and sealed so many at a time: hashing a line between two steps of a call costs three times as much as
 * behind another line, whose code and data are still in the processor's caches.
 */
const SEALED_TOGETHER = 64;

/** What becomes a line: an entry, made or not, or the members of a line that the log writes of itself. */
export type Sealable = AuditEntry | UnmadeEntry | string;

export interface SealerParts {
  readonly queue: WriteQueue;
  readonly tail: LogTail;
  readonly limits: Pick<AuditLimits, "fileBytes" | "files">;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly randomBytes: (size: number) => Buffer;
  /** An entry could not be made: a line says that one is lost. */
  readonly onDefect: (thrown: unknown) => void;
}

/** Makes lines of entries, each chained to the one before, puts them into the queue, and decides where a file begins. */
export class Sealer {
  readonly #parts: SealerParts;
  readonly #timeText = createTimeText();
  /** Of the last line that was sealed. */
  #end: ChainEnd;
  #key: AuditKey | undefined;
  /** With the times at which they came. */
  #unsealed: Sealable[] = [];
  #times: number[] = [];
  /** Of the file that the next line goes into, lines that wait included. */
  #fileBytes: number;
  #firstSequences: number[];
  #isFileGone = false;

  constructor(parts: SealerParts) {
    const { tail } = parts;
    this.#parts = parts;
    this.#end = tail.end;
    this.#fileBytes = tail.wholeBytes;
    this.#firstSequences = [...tail.firstSequences];
    if (tail.wholeBytes === 0) this.#sealHeader(parts.clock());
    if (tail.torn.length > 0) this.add(tornLine(tail.torn));
  }

  /** Entries that are not lines yet. */
  get unsealed(): number {
    return this.#unsealed.length;
  }

  get fileBytes(): number {
    return this.#fileBytes;
  }

  add(sealable: Sealable): void {
    this.#unsealed.push(sealable);
    this.#times.push(this.#parts.clock());
    if (this.#unsealed.length >= SEALED_TOGETHER) this.seal();
  }

  /** Makes lines of all that was added. @returns the last one of all */
  seal(): ChainEnd {
    if (this.#unsealed.length === 0) return this.#end;
    const entries = this.#unsealed;
    const times = this.#times;
    this.#unsealed = [];
    this.#times = [];
    entries.forEach((entry, index) => {
      const time = times[index] ?? 0;
      if (this.#isFileGone || this.#fileBytes >= this.#parts.limits.fileBytes) this.#nextFile(time);
      this.#sealLine(this.#membersOf(entry), time);
    });
    return this.#end;
  }

  /** For the entries from now on; the key before is wiped. */
  useKey(key: AuditKey | undefined): void {
    this.seal();
    if (this.#key !== key) this.#key?.destroy();
    this.#key = key;
  }

  /** The file was moved or removed: the next line begins another. */
  fileIsGone(): void {
    this.#isFileGone = true;
  }

  get isFileGone(): boolean {
    return this.#isFileGone;
  }

  #membersOf(sealable: Sealable): string {
    if (typeof sealable === "string") return sealable;
    const isMade = !(sealable instanceof UnmadeEntry);
    try {
      if (this.#key !== undefined) return isMade ? jsonMembers(sealable) : sealable.members();
      const entry = isMade ? sealable : sealable.make();
      return mayLackMac({ ...entry }) ? jsonMembers(entry) : lateLine(entry);
    } catch (thrown) {
      this.#parts.onDefect(thrown);
      return lostEntries(1);
    }
  }

  #sealLine(members: string, time: number): void {
    const timed = `"time":"${this.#timeText(time)}",${members}`;
    this.#fileBytes += this.#parts.queue.addLine(mostBytesOfLine(timed), (into, at) => {
      const line = sealLine(this.#end, timed, this.#key, into, at);
      this.#end = line.end;
      return line;
    });
  }

  /** @param time of the line that comes first: times in a log never go back */
  #nextFile(time: number): void {
    this.#parts.queue.addStep({ type: "next file", isMoved: this.#isFileGone });
    this.#isFileGone = false;
    this.#fileBytes = 0;
    this.#sealHeader(time);
  }

  #sealHeader(time: number): void {
    const { limits, randomBytes, queue } = this.#parts;
    this.#firstSequences.push(this.#end.sequence + 1);
    while (this.#firstSequences.length > limits.files) this.#firstSequences.shift();
    this.#sealLine(fileHeader(this.#firstSequences[0] ?? 1, randomBytes), time);
    queue.addStep({ type: "prune" });
  }
}
