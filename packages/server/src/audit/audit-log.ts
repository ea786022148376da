import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { describeThrown, type Logger } from "../redaction/logger.js";
import { NotARegularFileError } from "../vault/durable-file.js";
import { errorCodeOf } from "../vault/storage-error.js";
import type { AuditEntry } from "./audit-entry.js";
import { AuditFile } from "./audit-file.js";
import type { AuditKey } from "./audit-key.js";
import { AUDIT_LIMITS, type AuditLimits } from "./audit-limits.js";
import type { AuditLogState } from "./audit-log-state.js";
import { CHAIN_START, type ChainEnd } from "./chain.js";
import { cutTornLine, readLogTail, type LogTail } from "./log-tail.js";
import { cutOffLine, lostEntries, tamperedLine } from "./own-lines.js";
import { judgeRecentLines } from "./recent-lines.js";
import { auditUnavailable } from "./audit-unavailable.js";
import { UnmadeEntry } from "./entry-members.js";
import { Flushes, type Flush } from "./flushes.js";
import { Sealer, type Sealable } from "./sealer.js";
import { WriteQueue, type Batch } from "./write-queue.js";

export interface AuditLogOptions {
  readonly directory: string;
  readonly log: Pick<Logger, "info" | "warn">;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly randomBytes: (size: number) => Buffer;
  /** What tests make smaller. */
  readonly limits?: Partial<AuditLimits>;
}

/**
 * Opens the log of a data directory, made if need be, behind what an earlier run left. A last line that a crash cut short
 * is taken off, and what it held is kept in a line of its own. The directory's lock must be held.
 *
 * @throws {VaultProxyError} `storage_failed`
 */
export async function openAuditLog(options: AuditLogOptions): Promise<AuditLog> {
  const limits = { ...AUDIT_LIMITS, ...options.limits };
  const file = new AuditFile(options.directory, limits.files);
  try {
    const tail = await readLogTail(options.directory);
    if (tail.torn.length > 0) await cutTornLine(options.directory, tail.wholeBytes);
    await file.open();
    await file.sync();
    if (tail.isDamaged) {
      options.log.warn(
        {},
        "the audit log does not end with a line of it: look at it with vault-cli audit verify",
      );
    }
    return new AuditLog({ ...options, limits, file, tail });
  } catch (error) {
    await file.close();
    const what =
      error instanceof NotARegularFileError ? "is a link or device" : (errorCodeOf(error) ?? "failed");
    throw new VaultProxyError("storage_failed", `the audit log cannot be opened (${what})`, { cause: error });
  }
}

/** Of an entry that is not a line yet; most are shorter. */
const USUAL_LINE_BYTES = 1024;

interface Parts extends AuditLogOptions {
  readonly limits: AuditLimits;
  readonly file: AuditFile;
  readonly tail: LogTail;
}

interface Waiter {
  /** Undefined for one that waits for room only, which leaves when it was told that there is none. */
  readonly entry: AuditEntry | undefined;
  readonly resolve: () => void;
  readonly reject: (error: VaultProxyError) => void;
  readonly timer: NodeJS.Timeout;
}

/** Writes entries, each chained to the one before, in batches that no call waits for. */
export class AuditLog {
  readonly #parts: Parts;
  readonly #sealer: Sealer;
  readonly #queue: WriteQueue;
  /** Of the last line that was written, and known to be on the disk. */
  #written: ChainEnd;
  #durable: ChainEnd;
  #batch: Batch | undefined;
  #waiting: Waiter[] = [];
  readonly #flushes: Flushes;
  #lost = 0;
  readonly #totals = { written: 0, lost: 0, failures: 0 };
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #hasFailed = false;
  #isClosed = false;

  /** Use {@link openAuditLog}. */
  constructor(parts: Parts) {
    const { tail } = parts;
    this.#parts = parts;
    this.#queue = new WriteQueue(parts.limits.batchBytes);
    this.#flushes = new Flushes(parts.limits.waitMs);
    this.#sealer = new Sealer({
      ...parts,
      queue: this.#queue,
      onDefect: (thrown) => {
        this.#totals.lost += 1;
        parts.log.warn(describeThrown(thrown), "an audit entry could not be made");
      },
    });
    this.#written = tail.end;
    this.#durable = tail.end;
    this.#writeIn(parts.limits.batchMs);
  }

  /**
   * Whether there is room for an entry: undefined, or what to wait for before a call is made that would be recorded.
   *
   * @returns rejects with `audit_unavailable` when there is none for 5 s.
   */
  ready(): Promise<void> | undefined {
    return this.#hasRoom() ? undefined : this.#wait(undefined);
  }

  /**
   * Records an entry: at once and without waiting for the disk (undefined), or when there is room in the queue.
   *
   * @returns rejects with `audit_unavailable` when there is none for 5 s: the entry waits on, since what it tells of was
   *   done. Where too many wait already it is lost, and that one was is recorded as soon as something can be.
   */
  record(entry: AuditEntry | UnmadeEntry): Promise<void> | undefined {
    // What it masks may be forgotten while it waits.
    if (!this.#hasRoom()) return this.#wait(entry instanceof UnmadeEntry ? entry.make() : entry);
    this.#addEntry(entry);
    return undefined;
  }

  /**
   * Resolves when all that was recorded before is on the disk (fdatasync).
   *
   * @returns the last line of it, for the vault to remember.
   * @throws {VaultProxyError} `audit_unavailable` when that takes over 5 s.
   */
  flush(): Promise<ChainEnd> {
    if (this.#isClosed) return Promise.reject(auditUnavailable());
    const { sequence } = this.#sealer.seal();
    // An entry that waits for room has no number yet.
    const isAll = this.#waiting.some(({ entry }) => entry !== undefined);
    const flushed = this.#flushes.add(isAll ? Infinity : sequence);
    this.#write();
    return flushed;
  }

  /** Makes lines of all that was recorded: to be called before something that is masked in entries is forgotten. */
  seal(): void {
    this.#sealer.seal();
  }

  state(): AuditLogState {
    this.#sealer.seal();
    const { written: writtenLines, lost: lostEntries, failures } = this.#totals;
    return {
      ...{ isFailing: this.#hasFailed, queuedLines: this.#queue.lines, queuedBytes: this.#queue.bytes },
      ...{ fileBytes: this.#sealer.fileBytes, writtenLines, lostEntries, failures },
    };
  }

  /** The last line that is known to be on the disk: that of the last flush, or of the start. */
  head(): ChainEnd {
    return this.#durable;
  }

  /**
   * Gives the lines from now on MACs of this key, which the log wipes when it gets another, or none (undefined). What was
   * recorded before has the MAC of the key of then.
   */
  useKey(key: AuditKey | undefined): void {
    this.#sealer.useKey(key);
  }

  /**
   * For an unlock, with what the vault remembers: whether that line is still in the log, and all that is behind it is as a
   * server writes it. If it is not, the log says so in a line of its own, which the verification shows from then on: the
   * vault may remember a new head now.
   *
   * @param keys in the order in which they came into use; they stay the caller's
   * @throws {VaultProxyError} `audit_unavailable`, `storage_failed`
   */
  async recall(remembered: ChainEnd | undefined, keys: readonly AuditKey[]): Promise<boolean> {
    const { sequence: last } = await this.flush();
    const { directory, log } = this.#parts;
    const found = await judgeRecentLines(directory, { remembered, keys, last }).catch((error: unknown) => {
      throw new VaultProxyError("storage_failed", "the audit log cannot be read", { cause: error });
    });
    if (found === "whole") return true;
    if (found === "cut off") {
      log.warn({ line: remembered?.sequence }, "lines that the vault remembers are gone from the audit log");
      this.#add(cutOffLine(remembered ?? CHAIN_START));
    } else {
      log.warn(
        { problem: found.problem, behind: found.behind },
        "lines of the audit log were not written by this server",
      );
      this.#add(tamperedLine(found));
    }
    await this.flush();
    return false;
  }

  /** Writes what waits, if the disk takes it, and ends. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    let isTaken = true;
    do {
      isTaken = await this.flush().then(
        () => true,
        () => false,
      );
      // What waited got room by it.
    } while (isTaken && (this.#waiting.length > 0 || this.#sealer.unsealed > 0 || !this.#queue.isEmpty));
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#running;
    for (const { entry } of this.#waiting) this.#lose(entry);
    for (const { timer, reject } of this.#waiting.splice(0)) {
      clearTimeout(timer);
      reject(auditUnavailable());
    }
    this.#flushes.rejectAll();
    this.useKey(undefined);
    await this.#parts.file.close();
  }

  /** Whoever waits is let in as soon as there is room: so while somebody waits there is none. */
  #hasRoom(): boolean {
    const { queueLines, queueBytes } = this.#parts.limits;
    const { unsealed } = this.#sealer;
    // Each may begin a file, with a header of its own.
    const lines = this.#queue.lines + 2 * unsealed;
    const bytes = this.#queue.bytes + unsealed * USUAL_LINE_BYTES;
    if (lines >= queueLines || bytes >= queueBytes) this.#sealer.seal();
    return !this.#isClosed && this.#queue.lines < queueLines && this.#queue.bytes < queueBytes;
  }

  #wait(entry: AuditEntry | undefined): Promise<void> {
    const { waitingEntries, waitMs } = this.#parts.limits;
    if (this.#isClosed || this.#waiting.length >= waitingEntries) {
      this.#lose(entry);
      return Promise.reject(auditUnavailable());
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        if (entry === undefined) this.#waiting = this.#waiting.filter((other) => other !== waiter);
        reject(auditUnavailable());
      }, waitMs);
      const waiter: Waiter = { entry, resolve, reject, timer };
      this.#waiting.push(waiter);
    });
  }

  #lose(entry: AuditEntry | undefined): void {
    if (entry === undefined) return;
    this.#lost += 1;
    this.#totals.lost += 1;
  }

  #admitWaiting(): void {
    let admitted = 0;
    for (const { entry, resolve, timer } of this.#waiting) {
      if (!this.#hasRoom()) break;
      clearTimeout(timer);
      if (entry !== undefined) this.#addEntry(entry);
      resolve();
      admitted += 1;
    }
    this.#waiting.splice(0, admitted);
    // Whoever asked to have all on the disk meanwhile gets these with it.
    this.#sealer.seal();
  }

  #addEntry(entry: AuditEntry | UnmadeEntry): void {
    if (this.#lost > 0) {
      const lost = this.#lost;
      this.#lost = 0;
      this.#add(lostEntries(lost));
    }
    this.#add(entry);
  }

  #add(sealable: Sealable): void {
    const { batchBytes, batchMs } = this.#parts.limits;
    this.#sealer.add(sealable);
    if (this.#queue.bytes >= batchBytes) this.#write();
    else this.#writeIn(batchMs);
  }

  #writeIn(ms: number): void {
    if (this.#isClosed || this.#running !== undefined) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#startWriting();
    }, ms).unref();
  }

  /** Writes at once, unless that goes on already, or has failed: then the timer tries again. */
  #write(): void {
    if (!this.#hasFailed) this.#startWriting();
  }

  #startWriting(): void {
    if (this.#isClosed || this.#running !== undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sealer.seal();
    this.#running = this.#writeAll().then((isDone) => {
      this.#running = undefined;
      if (!isDone) this.#writeIn(this.#parts.limits.retryMs);
      // Something may have come between the last look and here.
      else if (!this.#queue.isEmpty || this.#sealer.unsealed > 0 || !this.#flushes.isEmpty)
        this.#writeIn(this.#parts.limits.batchMs);
    });
  }

  /** Writes, and syncs if somebody waits for that, until nothing is due: under load something is always left. False if the disk failed. */
  async #writeAll(): Promise<boolean> {
    const { log } = this.#parts;
    try {
      while (await this.#writeNext()) {
        if (this.#hasFailed) log.info({}, "the audit log is written again");
        this.#hasFailed = false;
        if (this.#flushes.isEmpty && this.#queue.bytes < this.#parts.limits.batchBytes) break;
      }
      await this.#lookForFile();
    } catch (error) {
      if (!this.#hasFailed) {
        this.#totals.failures += 1;
        log.warn({ code: errorCodeOf(error) }, "the audit log cannot be written");
      }
      this.#hasFailed = true;
      return false;
    }
    return true;
  }

  async #lookForFile(): Promise<void> {
    if (this.#sealer.isFileGone || !(await this.#parts.file.isGone())) return;
    this.#sealer.fileIsGone();
    const { log } = this.#parts;
    log.warn({}, "the audit log was moved or removed under the server: the next line begins a new file");
  }

  /** One step; false when there is none. */
  async #writeNext(): Promise<boolean> {
    const { file } = this.#parts;
    const step = this.#batch === undefined ? this.#queue.nextStep() : undefined;
    if (step !== undefined) {
      if (step.type === "prune") await this.#prune();
      else await (step.isMoved ? file.reopen() : file.rotate());
      this.#queue.stepDone();
      return true;
    }
    // Ahead of other lines: where many come there are always more, and who waits for these would wait for ever.
    let due = this.#flushes.dueAt(this.#written.sequence);
    if (due.length === 0) {
      this.#batch ??= this.#queue.takeBatch();
      if (this.#batch !== undefined) {
        await file.append(this.#batch);
        this.#hasWritten(this.#batch);
        return true;
      }
      if (this.#flushes.isEmpty) return false;
      due = this.#flushes.dueAt(Infinity);
    }
    await this.#sync(due);
    return true;
  }

  async #sync(due: readonly Flush[]): Promise<void> {
    const written = this.#written;
    await this.#parts.file.sync();
    await this.#lookForFile();
    this.#durable = written;
    this.#flushes.resolve(due, written);
  }

  async #prune(): Promise<void> {
    try {
      await this.#parts.file.prune();
    } catch (error) {
      // More files than are wanted are no reason to record nothing; the next rotation tries again.
      this.#parts.log.warn({ code: errorCodeOf(error) }, "the oldest audit log could not be removed");
    }
  }

  #hasWritten(batch: Batch): void {
    this.#batch = undefined;
    this.#written = batch.end;
    this.#queue.written(batch);
    this.#totals.written += batch.lines;
    this.#admitWaiting();
  }
}
