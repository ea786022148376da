import type { CommandContext } from "../command-context.js";
import { canAsk, confirm } from "../prompt.js";
import type { CheckOutcome } from "../service-check/check-outcome.js";
import type { GivenService } from "./given-service.js";

/**
 * A key that was mistyped is asked for again, as often as somebody wants to give it: all else that was answered stays.
 * @param outcome that of the service as it was given first
 * @param storeAndCheck puts a service in the place of the one before
 * @returns the last outcome
 */
export async function untilTaken(
  context: CommandContext,
  given: GivenService,
  outcome: CheckOutcome | undefined,
  storeAndCheck: (again: GivenService) => Promise<CheckOutcome | undefined>,
): Promise<CheckOutcome | undefined> {
  const { askAgain } = given;
  if (askAgain === undefined || !canAsk(context) || context.output.json) return outcome;
  let last = outcome;
  while (last?.isWrongCredential === true) {
    if (!(await confirm(context, `${capital(last.message)}. Give it again?`, true))) break;
    last = await storeAndCheck(await askAgain());
  }
  return last;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
