import type { CommandContext } from "./command-context.js";
import { CliError } from "./failures.js";

/** Whether a person can be asked: questions go to stderr, since stdout may be captured. */
export function canAsk(context: CommandContext): boolean {
  return context.stdin.isTTY === true && context.stderr.isTTY === true;
}

export type Validate = (value: string) => string | undefined;

/** Without echo. */
export async function askSecret(
  context: CommandContext,
  message: string,
  validate?: Validate,
): Promise<string> {
  const { password } = await import("@clack/prompts");
  return answered(await password({ ...streams(context), message, mask: "", ...validation(validate) }));
}

export async function askText(
  context: CommandContext,
  message: string,
  validate?: Validate,
): Promise<string> {
  const { text } = await import("@clack/prompts");
  return answered(await text({ ...streams(context), message, ...validation(validate) }));
}

export async function askChoice<Value extends string>(
  context: CommandContext,
  message: string,
  choices: readonly { readonly value: Value; readonly label: string }[],
): Promise<Value> {
  const { select } = await import("@clack/prompts");
  const options = choices.map(({ value, label }) => ({ value: value, label }));
  return answered(await select<string>({ ...streams(context), message, options })) as Value;
}

/** Asks before something is destroyed. Without a terminal there is nobody to ask: the command itself is the consent. */
export async function confirmDestruction(
  context: CommandContext,
  message: string,
  yes: boolean,
): Promise<void> {
  if (yes || !canAsk(context)) return;
  const { confirm } = await import("@clack/prompts");
  const sure = answered(await confirm({ ...streams(context), message, initialValue: false }));
  if (!sure) throw new CliError("nothing was changed");
}

function streams(context: CommandContext) {
  return { input: context.stdin, output: context.stderr, withGuide: false };
}

function validation(validate: Validate | undefined) {
  return validate === undefined ? {} : { validate: (value: string | undefined) => validate(value ?? "") };
}

function answered<T>(answer: T): Exclude<T, symbol> {
  if (typeof answer === "symbol") throw new CliError("cancelled");
  return answer as Exclude<T, symbol>;
}
