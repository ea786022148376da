import type { CommandEnd } from "../ssh/command-run.js";
import type { CollectedOutput } from "../ssh/command-output.js";
import type { StreamedAnswer } from "./streamed-answer.js";

/** Bytes that are encoded at a time; whole groups of base64 (RFC 4648 §4). */
const PIECE_BYTES = 48 * 1024;

/** What `POST /ssh/{service}/exec` says of a command's end. */
export interface ExecEnd {
  readonly exit_code: number;
  readonly duration_ms: number;
  readonly signal?: string;
  readonly truncated: boolean;
}

export function describeEnd(end: CommandEnd): ExecEnd {
  return {
    exit_code: end.exitCode,
    duration_ms: end.durationMs,
    ...(end.signal === undefined ? {} : { signal: end.signal }),
    truncated: end.isTruncated,
  };
}

/**
 * Writes the answer piece by piece, each when the caller has taken the one before: as one string it would be seven times
 * as large as the output.
 * @throws if the caller leaves, or takes nothing for long
 */
export async function writeExecResult(
  answer: Pick<StreamedAnswer, "write">,
  output: CollectedOutput,
  end: ExecEnd,
): Promise<void> {
  await answer.write("{");
  for (const stream of ["stdout", "stderr"] as const) {
    const { bytes, isText } = output[stream];
    await answer.write(`"${stream}":"`);
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      const isLast = at + PIECE_BYTES >= bytes.length;
      const text = decoder.decode(bytes.subarray(at, at + PIECE_BYTES), { stream: !isLast });
      await answer.write(JSON.stringify(text).slice(1, -1));
    }
    await answer.write('",');
    if (isText) continue;
    await answer.write(`"${stream}_base64":"`);
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      await answer.write(bytes.subarray(at, at + PIECE_BYTES).toString("base64"));
    }
    await answer.write('",');
  }
  await answer.write(JSON.stringify(end).slice(1));
}
