import type { CommandContext } from "./command-context.js";
import { CliError, UsageError } from "./failures.js";
import { askSecret, canAsk } from "./prompt.js";
import { assertNoRecoveryKey, assertNotMistyped } from "./recovery-key-form.js";
import { firstLine, isPrivateFile, readFirstLines, readSecretFile } from "./secret-source.js";

/** The server's own rule; said before the password is typed twice. */
const MIN_PASSWORD_LENGTH = 8;

/** How often a new password may be typed in two ways. */
const MAX_ATTEMPTS = 3;

const NO_NEW_PASSWORD = "no new password was given";

/** For the help of every command that asks for the password. */
export const PASSWORD_SOURCES =
  "The password is asked for without echo, or is the first line of standard input.\n" +
  "The recovery key will do as well, with or without its dashes.";

export interface PasswordOptions {
  readonly passwordFile?: string | undefined;
}

export interface NewPasswordOptions extends PasswordOptions {
  readonly newPasswordFile?: string | undefined;
}

/**
 * The password of a vault, or its recovery key: from `--password-file`, from the terminal without echo, or from the
 * first line of standard input. Never from argv.
 */
export async function readPassword(context: CommandContext, options: PasswordOptions): Promise<string> {
  const password = await currentPassword(context, options, "Master password (or recovery key)");
  await assertNotMistyped(password);
  return password;
}

/** As {@link readPassword}, where the recovery key will not do. */
export async function readMasterPassword(context: CommandContext, options: PasswordOptions): Promise<string> {
  return currentPassword(context, options, "Master password");
}

/** For a vault that does not exist yet: a mistyped password would be its password for good, so it is asked for twice. */
export async function readFirstPassword(context: CommandContext, options: PasswordOptions): Promise<string> {
  if (options.passwordFile !== undefined || context.stdin.isTTY !== true) {
    const password = await readMasterPassword(context, options);
    await assertNoRecoveryKey(password);
    return password;
  }
  assertCanAsk(context);
  context.output.note("There is no vault yet: this password will encrypt it. Nobody can restore it for you.");
  return askNewPassword(context, "no vault was created");
}

/** The password that holds, or the recovery key, and the one that is to hold: the first two lines of standard input. */
export async function readPasswordChange(
  context: CommandContext,
  options: NewPasswordOptions,
): Promise<{ current: string; next: string }> {
  const { passwordFile, newPasswordFile } = options;
  if (context.stdin.isTTY === true) {
    const current = await readPassword(context, options);
    const next =
      newPasswordFile === undefined
        ? await askNewPassword(context, "nothing was changed")
        : assertGiven(await passwordOf(context, newPasswordFile), NO_NEW_PASSWORD);
    await assertNoRecoveryKey(next);
    return { current, next };
  }
  const wanted = [passwordFile, newPasswordFile].filter((file) => file === undefined).length;
  const lines = await readFirstLines(context.stdin, wanted);
  const current = passwordFile === undefined ? lines.shift() : await passwordOf(context, passwordFile);
  const next = newPasswordFile === undefined ? lines.shift() : await passwordOf(context, newPasswordFile);
  const given = { current: assertGiven(current), next: assertGiven(next, NO_NEW_PASSWORD) };
  await assertNotMistyped(given.current);
  await assertNoRecoveryKey(given.next);
  return given;
}

async function currentPassword(
  context: CommandContext,
  options: PasswordOptions,
  question: string,
): Promise<string> {
  if (options.passwordFile !== undefined) return assertGiven(await passwordOf(context, options.passwordFile));
  if (context.stdin.isTTY !== true) return assertGiven((await readFirstLines(context.stdin, 1))[0]);
  assertCanAsk(context);
  return assertGiven(await askSecret(context, question));
}

async function passwordOf(context: CommandContext, file: string): Promise<string> {
  // Not refused: a secret that a container is given is often 0444.
  if (!(await isPrivateFile(file))) context.output.warn(`other users may read ${file}`);
  return firstLine(await readSecretFile(file));
}

async function askNewPassword(context: CommandContext, otherwise: string): Promise<string> {
  assertCanAsk(context);
  for (let attempt = 1; ; attempt++) {
    const password = await askSecret(context, "New master password", (value) =>
      value.length < MIN_PASSWORD_LENGTH ? `at least ${MIN_PASSWORD_LENGTH} characters` : undefined,
    );
    await assertNoRecoveryKey(password);
    const again = await askSecret(context, "The same again");
    if (again === password) return password;
    if (attempt === MAX_ATTEMPTS) throw new CliError(`the two passwords differ; ${otherwise}`, "try again");
    context.output.warn("the two passwords differ: once more");
  }
}

function assertCanAsk(context: CommandContext): void {
  if (!canAsk(context)) throw new UsageError("nowhere to ask for the password", "use --password-file");
}

function assertGiven(password: string | undefined, otherwise = "no password was given"): string {
  if (password === undefined || password === "") {
    const files = otherwise === NO_NEW_PASSWORD ? "--new-password-file" : "--password-file";
    throw new CliError(otherwise, `give it on standard input, or by ${files}`);
  }
  return password;
}
