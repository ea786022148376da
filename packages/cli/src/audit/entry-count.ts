import { InvalidArgumentError, type Command } from "commander";
import { PAGE_ENTRIES } from "./audit-pages.js";

/** @param shown how many without it */
export function addLimitOption(command: Command, shown: number): Command {
  const help = `the newest so many, ${PAGE_ENTRIES} at most (default: ${shown}, or all with --since)`;
  return command.option("--limit <entries>", help, entryCount);
}

/** How many are shown at most. @param usual where nothing says */
export function shownEntries(
  options: { readonly limit?: number; readonly since?: string },
  usual: number,
): number {
  return options.limit ?? (options.since === undefined ? usual : Number.POSITIVE_INFINITY);
}

/** The value of `--limit`. */
function entryCount(text: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1 || count > PAGE_ENTRIES)
    throw new InvalidArgumentError(`It is a whole number from 1 to ${PAGE_ENTRIES}.`);
  return count;
}
