import { readFile, stat } from "node:fs/promises";

import { CliError } from "./failures.js";

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
    const text = await readFile(path, "utf8");
    if (Buffer.byteLength(text) > MAX_SECRET_BYTES)
      throw new CliError(`${path} is too long to hold a secret`);
    return text;
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(`cannot read ${path}`);
  }
}

/** Whether the file's mode keeps other users out; Windows has no such modes. */
export async function isPrivateFile(path: string): Promise<boolean> {
  const { mode } = await stat(path).catch(() => {
    throw new CliError(`cannot read ${path}`);
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
  const chunks: Buffer[] = [];
  let length = 0;
  let lineEnds = 0;
  for await (const chunk of input) {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    length += bytes.length;
    if (length > MAX_SECRET_BYTES) throw new CliError("standard input is too long to hold a secret");
    chunks.push(bytes);
    lineEnds += bytes.filter((byte) => byte === LINE_END).length;
    if (lineEnds >= wantedLines) break;
  }
  return Buffer.concat(chunks).toString("utf8");
}
