import { InvalidArgumentError } from "commander";
import { PAGE_ENTRIES } from "./audit-pages.js";

/** The value of `--limit`. */
export function entryCount(text: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1 || count > PAGE_ENTRIES)
    throw new InvalidArgumentError(`It is a whole number from 1 to ${PAGE_ENTRIES}.`);
  return count;
}
