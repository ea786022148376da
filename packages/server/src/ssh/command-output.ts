import { isUtf8 } from "node:buffer";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { OutputStream, TakeOutput } from "./command-run.js";

/** One stream of a command that has ended. */
export interface CollectedStream {
  readonly bytes: Buffer;
  /** Whether it is valid UTF-8. */
  readonly isText: boolean;
}

export type CollectedOutput = Readonly<Record<OutputStream, CollectedStream>>;

/** How much output is in memory until it is answered as a whole, of all commands together. */
export interface OutputBudget {
  collect(): OutputCollector;
}

export interface OutputCollector {
  /** @throws VaultProxyError `rate_limited` when the budget is used up */
  readonly take: TakeOutput;
  result(): CollectedOutput;
  /** The output was answered, or nobody wants it: there is room for others. */
  release(): void;
}

/** @param limit bytes */
export function createOutputBudget(limit: number): OutputBudget {
  let used = 0;
  return {
    collect() {
      const chunks: Record<OutputStream, Buffer[]> = { stdout: [], stderr: [] };
      let own = 0;
      const collected = (stream: OutputStream): CollectedStream => {
        const bytes = Buffer.concat(chunks[stream].splice(0));
        return { bytes, isText: isUtf8(bytes) };
      };
      return {
        take: (stream, chunk) => {
          if (used + chunk.length > limit) {
            throw new VaultProxyError(
              "rate_limited",
              "too much output waits to be answered: try again, or have it as it comes (Accept: application/x-ndjson)",
              { retryAfterSeconds: 5 },
            );
          }
          used += chunk.length;
          own += chunk.length;
          chunks[stream].push(chunk);
          return undefined;
        },
        result: () => ({ stdout: collected("stdout"), stderr: collected("stderr") }),
        release() {
          used -= own;
          own = 0;
        },
      };
    },
  };
}

/** A piece of output: as text, if it is valid UTF-8. */
export interface DecodedOutput {
  readonly text: string | undefined;
  readonly bytes: Buffer;
}

/** Keeps back a character that is not whole yet. */
export interface OutputDecoder {
  push(chunk: Buffer): DecodedOutput | undefined;
  finish(): DecodedOutput | undefined;
}

export function createOutputDecoders(): Readonly<Record<OutputStream, OutputDecoder>> {
  return { stdout: createDecoder(), stderr: createDecoder() };
}

function createDecoder(): OutputDecoder {
  let kept: Buffer = Buffer.alloc(0);
  const decode = (bytes: Buffer): DecodedOutput | undefined =>
    bytes.length === 0 ? undefined : { text: isUtf8(bytes) ? bytes.toString("utf8") : undefined, bytes };
  return {
    push(chunk) {
      const bytes = kept.length === 0 ? chunk : Buffer.concat([kept, chunk]);
      const whole = bytes.length - unfinishedTail(bytes);
      kept = Buffer.from(bytes.subarray(whole));
      return decode(bytes.subarray(0, whole));
    },
    finish() {
      const rest = kept;
      kept = Buffer.alloc(0);
      return decode(rest);
    },
  };
}

const LONGEST_CHARACTER = 4;

/** How many bytes at the end are the beginning of a character (RFC 3629 §3). */
function unfinishedTail(bytes: Buffer): number {
  for (let length = 1; length < LONGEST_CHARACTER && length <= bytes.length; length += 1) {
    const byte = bytes[bytes.length - length] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return needed > length ? length : 0;
  }
  return 0;
}
