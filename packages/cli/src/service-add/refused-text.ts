import type { CommandContext } from "../command-context.js";
import type { ExpiringAuthFlags, RefusableFlag } from "../expiring-auth/registry.js";
import { askText } from "../prompt.js";

/**
 * Asks once more for what the vault refused, or missed: what was answered stands there to be changed.
 * @returns the flag with its new value; undefined as its value where it may be left out
 */
export async function askRefused(
  context: CommandContext,
  { flag, question, isOptional }: RefusableFlag,
  before: ExpiringAuthFlags,
): Promise<ExpiringAuthFlags> {
  const { [flag]: refused } = before;
  const mayLack = isOptional && refused !== undefined;
  const answer = await askText(
    context,
    mayLack ? `${question}, or nothing` : question,
    (text) => (mayLack || text.trim() !== "" ? undefined : "needed"),
    typeof refused === "string" ? refused : "",
  );
  return { [flag]: answer.trim() === "" ? undefined : answer.trim() };
}
