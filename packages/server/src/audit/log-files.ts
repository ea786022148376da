import { readdir } from "node:fs/promises";

/** The file that is written to. Those that were rotated out have a number: 1 is the newest. */
export const AUDIT_FILE = "audit.jsonl";

const ROTATED_PATTERN = /^audit\.([1-9]\d{0,3})\.jsonl$/;

export function rotatedName(number: number): string {
  return `audit.${number}.jsonl`;
}

/** The names of the log's files in a directory, oldest first. */
export async function logFileNames(directory: string): Promise<string[]> {
  const numbers: number[] = [];
  let hasCurrent = false;
  for (const name of await readdir(directory)) {
    const number = Number(ROTATED_PATTERN.exec(name)?.[1]);
    if (number > 0) numbers.push(number);
    if (name === AUDIT_FILE) hasCurrent = true;
  }
  const rotated = numbers.sort((a, b) => b - a).map(rotatedName);
  return hasCurrent ? [...rotated, AUDIT_FILE] : rotated;
}
