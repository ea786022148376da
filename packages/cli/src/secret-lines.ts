import { UsageError } from "./failures.js";

/** What is said where a secret has other lines than values are wanted. @param hint which are wanted */
export function wrongLines(given: number, wanted: number, hint: string): UsageError {
  return new UsageError(
    `the secret has ${lines(given)}, but ${wanted === 0 ? "none" : wanted} ${wanted === 1 ? "is" : "are"} needed`,
    hint,
  );
}

function lines(count: number): string {
  return count === 1 ? "1 line" : `${count} lines`;
}
