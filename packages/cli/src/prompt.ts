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
  return ask(context, (terminal) => password({ ...terminal, message, mask: "", ...validation(validate) }));
}

export async function askText(
  context: CommandContext,
  message: string,
  validate?: Validate,
): Promise<string> {
  const { text } = await import("@clack/prompts");
  return ask(context, (terminal) => text({ ...terminal, message, ...validation(validate) }));
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

/** Asks before something is destroyed. Without a terminal there is nobody to ask: the command itself is the consent. */
export async function confirmDestruction(
  context: CommandContext,
  message: string,
  yes: boolean,
): Promise<void> {
  if (yes || !canAsk(context)) return;
  const { confirm } = await import("@clack/prompts");
  const sure = await ask(context, (terminal) => confirm({ ...terminal, message, initialValue: false }));
  if (!sure) throw new CliError("nothing was changed");
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
  // Ctrl-D: a terminal in raw mode hands on the key instead of ending.
  const onKey = (_: unknown, key: { readonly ctrl?: boolean; readonly name?: string } | undefined): void => {
    if (key?.ctrl === true && key.name === "d") end();
  };
  stdin.on("end", end).on("close", end).on("keypress", onKey);
  try {
    const answer = await question({ input: stdin, output: stderr, withGuide: false, signal: ended.signal });
    if (typeof answer === "symbol") throw cancelled();
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
