import type { CommandContext } from "./command-context.js";
import { CancelledError, CliError } from "./failures.js";

/** Lines of a long list: with the rest of the question they fit a terminal of 24. */
const SHOWN_CHOICES = 10;

/** Whether a person can be asked: questions go to stderr, since stdout may be captured. */
export function canAsk(context: CommandContext): boolean {
  return context.stdin.isTTY === true && context.stderr.isTTY === true;
}

export type Validate = (value: string) => string | undefined;

/** Without echo, so that what was refused is typed anew: nobody sees what is there to be changed. */
export async function askSecret(
  context: CommandContext,
  message: string,
  validate?: Validate,
): Promise<string> {
  const { password } = await import("@clack/prompts");
  const options = { message, mask: "", clearOnError: true, ...validation(validate) };
  return ask(context, (terminal) => password({ ...terminal, ...options }));
}

/** @param initial what stands there to be changed, or taken by Enter */
export async function askText(
  context: CommandContext,
  message: string,
  validate?: Validate,
  initial = "",
): Promise<string> {
  const { text } = await import("@clack/prompts");
  const options = { message, initialValue: initial, ...validation(validate) };
  return ask(context, (terminal) => text({ ...terminal, ...options }));
}

export async function askChoice<Value extends string>(
  context: CommandContext,
  message: string,
  choices: readonly { readonly value: Value; readonly label: string }[],
): Promise<Value> {
  const { select } = await import("@clack/prompts");
  const options = choices.map(({ value, label }) => ({ value: value, label }));
  return (await ask(context, (terminal) => select<string>({ ...terminal, message, options }))) as Value;
}

/** One of many: what is typed narrows the list. */
export async function askOneOfMany<Value extends string>(
  context: CommandContext,
  message: string,
  choices: readonly { readonly value: Value; readonly label: string }[],
): Promise<Value> {
  const { autocomplete } = await import("@clack/prompts");
  const options = choices.map(({ value, label }) => ({ value: value, label }));
  const list = { message, options, maxItems: SHOWN_CHOICES, validate: chosen };
  return (await ask(context, (terminal) => autocomplete<string>({ ...terminal, ...list }))) as Value;
}

/** Enter where nothing is found. */
function chosen(value: string | string[] | undefined): string | undefined {
  return value === undefined ? "nothing is found by that: change it" : undefined;
}

/** @param initial what Enter means */
export async function confirm(context: CommandContext, message: string, initial: boolean): Promise<boolean> {
  const { confirm: question } = await import("@clack/prompts");
  return ask(context, (terminal) => question({ ...terminal, message, initialValue: initial }));
}

/** Asks before something is destroyed. Without a terminal there is nobody to ask: the command itself is the consent. */
export async function confirmDestruction(
  context: CommandContext,
  message: string,
  yes: boolean,
): Promise<void> {
  if (yes || !canAsk(context)) return;
  if (!(await confirm(context, message, false))) throw new CliError("nothing was changed");
}

interface Terminal {
  readonly input: CommandContext["stdin"];
  readonly output: CommandContext["stderr"];
  readonly withGuide: false;
  readonly signal: AbortSignal;
}

/** Puts one question. The end of the input is a way to cancel it, which the library does not see: it would wait on. */
async function ask<Answer>(
  { stdin, stderr }: CommandContext,
  question: (terminal: Terminal) => Promise<Answer>,
): Promise<Exclude<Answer, symbol>> {
  if (stdin.readableEnded || stdin.destroyed) throw cancelled();
  const ended = new AbortController();
  const end = (): void => ended.abort();
  const seen = { ctrlC: false };
  // A terminal in raw mode hands on Ctrl-D instead of ending, and Ctrl-C instead of a signal.
  const onKey = (_: unknown, key: { readonly ctrl?: boolean; readonly name?: string } | undefined): void => {
    if (key?.ctrl === true && key.name === "d") end();
    if (key?.ctrl === true && key.name === "c") seen.ctrlC = true;
  };
  stdin.on("end", end).on("close", end).on("keypress", onKey);
  try {
    const answer = await question({ input: stdin, output: stderr, withGuide: false, signal: ended.signal });
    if (typeof answer === "symbol") throw seen.ctrlC ? new CancelledError() : cancelled();
    return answer as Exclude<Answer, symbol>;
  } finally {
    stdin.off("end", end).off("close", end).off("keypress", onKey);
  }
}

function validation(validate: Validate | undefined) {
  return validate === undefined ? {} : { validate: (value: string | undefined) => validate(value ?? "") };
}

function cancelled(): CliError {
  return new CliError("cancelled");
}
