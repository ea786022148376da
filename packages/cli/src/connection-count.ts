import { InvalidArgumentError } from "commander";

/** Of `--max-connections`; the vault has the same bounds. */
export function connectionCount(text: string): number {
  if (!/^(?:[1-9]\d{0,2}|1000)$/.test(text)) {
    throw new InvalidArgumentError("It takes a number from 1 to 1000.");
  }
  return Number(text);
}
