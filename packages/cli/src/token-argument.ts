import type { CommandContext } from "./command-context.js";
import { UsageError } from "./failures.js";
import { readFirstLine } from "./secret-source.js";

/** Help of an argument that names a token. */
export const TOKEN_ARGUMENT_HELP =
  "a prefix that `token list` shows, the token itself, or - to read it from standard input";

/** The token, or prefix of one, that an argument names; `-` keeps a whole one off the command line. */
export async function readTokenArgument(context: CommandContext, argument: string): Promise<string> {
  const id = argument === "-" ? (await readFirstLine(context.stdin)).trim() : argument;
  if (id === "") throw new UsageError("no token was given");
  if (!id.startsWith("tok_")) {
    // It may be a secret that was given by mistake, and is not repeated.
    throw new UsageError(
      "that is no token, nor the prefix of one, which begin with tok_",
      `names are not taken: \`${context.bin} token list\` shows the prefix of each`,
    );
  }
  return id;
}
