import type { CommandContext } from "./command-context.js";
import { CliError, UsageError } from "./failures.js";
import { askSecret, canAsk } from "./prompt.js";
import { firstLine, isPrivateFile, readFirstLine, readSecretFile } from "./secret-source.js";

/** The server's own rule; said before the password is typed twice. */
const MIN_PASSWORD_LENGTH = 8;

export interface PasswordOptions {
  readonly passwordFile?: string | undefined;
  /** The vault does not exist yet: a mistyped password would be its password for good. */
  readonly creating: boolean;
}

/** From `--password-file`, from the terminal without echo, or from the first line of standard input. Never from argv. */
export async function readPassword(context: CommandContext, options: PasswordOptions): Promise<string> {
  const password = await passwordFrom(context, options);
  if (password === "") throw new CliError("no password was given");
  return password;
}

async function passwordFrom(context: CommandContext, options: PasswordOptions): Promise<string> {
  if (options.passwordFile !== undefined) {
    // Not refused: a secret that a container is given is often 0444.
    if (!(await isPrivateFile(options.passwordFile))) {
      context.output.warn(`other users may read ${options.passwordFile}`);
    }
    return firstLine(await readSecretFile(options.passwordFile));
  }
  if (context.stdin.isTTY !== true) return readFirstLine(context.stdin);
  if (!canAsk(context)) throw new UsageError("nowhere to ask for the password", "use --password-file");
  if (!options.creating) return askSecret(context, "Master password");

  context.output.note("There is no vault yet: this password will encrypt it. Nobody can restore it for you.");
  const password = await askSecret(context, "New master password", (value) =>
    value.length < MIN_PASSWORD_LENGTH ? `at least ${MIN_PASSWORD_LENGTH} characters` : undefined,
  );
  const again = await askSecret(context, "The same again");
  if (again !== password) throw new CliError("the two passwords differ; no vault was created");
  return password;
}
