import { isUtf8 } from "node:buffer";
import { readFile, stat } from "node:fs/promises";

import { CliError } from "./failures.js";
import { fileFailure } from "./file-failure.js";

/** Bytes; far above any credential, low enough to refuse a wrong file at once. */
const MAX_SECRET_BYTES = 64 * 1024;
const LINE_END = 0x0a;

/** Everything up to the first line end of `input`; what follows is not waited for. */
export async function readFirstLine(input: AsyncIterable<Buffer | string>): Promise<string> {
  return firstLine(await readText(input, 1));
}

/** At most `count` lines of `input`, without their ends; what follows is not waited for. */
export async function readFirstLines(
  input: AsyncIterable<Buffer | string>,
  count: number,
): Promise<string[]> {
  return count === 0 ? [] : linesOf(await readText(input, count)).slice(0, count);
}

/** All lines of `input`, without their ends; a line end at the very end opens no further line. */
export async function readLines(input: AsyncIterable<Buffer | string>): Promise<string[]> {
  return linesOf(await readText(input, Number.POSITIVE_INFINITY));
}

export async function readSecretFile(path: string): Promise<string> {
  try {
    const bytes = await readFile(path);
    if (bytes.length > MAX_SECRET_BYTES) throw new CliError(`${path} is too long to hold a secret`);
    return decode(bytes, path);
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw fileFailure("read", path, error);
  }
}

/** Whether the file's mode keeps other users out; Windows has no such modes. */
export async function isPrivateFile(path: string): Promise<boolean> {
  const { mode } = await stat(path).catch((error: unknown) => {
    throw fileFailure("read", path, error);
  });
  return process.platform === "win32" || (mode & 0o077) === 0;
}

export function firstLine(text: string): string {
  return linesOf(text)[0] ?? "";
}

export function linesOf(text: string): string[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

/** @param wantedLines after whose last end nothing more is waited for */
async function readText(input: AsyncIterable<Buffer | string>, wantedLines: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  let lineEnds = 0;
  for await (const chunk of input) {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    length += bytes.length;
    if (length > MAX_SECRET_BYTES) throw new CliError("standard input is too long to hold a secret");
    const end = endOfLine(bytes, wantedLines - lineEnds);
    chunks.push(bytes.subarray(0, end));
    if (end !== undefined) break;
    lineEnds += bytes.filter((byte) => byte === LINE_END).length;
  }
  return decode(Buffer.concat(chunks), "standard input");
}

/** Where the `count`th line of `bytes` ends; undefined if it does not. */
function endOfLine(bytes: Buffer, count: number): number | undefined {
  let end = 0;
  for (let line = 0; line < count; line += 1) {
    const at = bytes.indexOf(LINE_END, end);
    if (at === -1) return undefined;
    end = at + 1;
  }
  return end;
}

/** Other bytes would all become the same replacement character, and different secrets one. */
function decode(bytes: Buffer, source: string): string {
  if (!isUtf8(bytes)) throw new CliError(`${source} is not UTF-8 text`);
  return bytes.toString("utf8");
}
