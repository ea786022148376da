import { isUtf8 } from "node:buffer";
import type { OutputStream, TakeOutput } from "./command-run.js";

/** The output of a command that has ended. */
export interface CollectedOutput {
  readonly stdout: string;
  readonly stderr: string;
  /** The bytes themselves, where the text is not all of it. */
  readonly stdout_base64?: string;
  readonly stderr_base64?: string;
}

export function collectOutput(): { readonly take: TakeOutput; readonly result: () => CollectedOutput } {
  const chunks: Record<OutputStream, Buffer[]> = { stdout: [], stderr: [] };
  return {
    take(stream, chunk) {
      chunks[stream].push(chunk);
      return undefined;
    },
    result() {
      const stdout = Buffer.concat(chunks.stdout);
      const stderr = Buffer.concat(chunks.stderr);
      return {
        stdout: stdout.toString("utf8"),
        stderr: stderr.toString("utf8"),
        ...(isUtf8(stdout) ? {} : { stdout_base64: stdout.toString("base64") }),
        ...(isUtf8(stderr) ? {} : { stderr_base64: stderr.toString("base64") }),
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
