import type { ConfigureCommand } from "../command-definition.js";
import { UsageError } from "../failures.js";
import { addExamples } from "../help-examples.js";
import { confirmDestruction } from "../prompt.js";
import { readFirstLine } from "../secret-source.js";

export const configureTokenRevoke: ConfigureCommand = (command, perform) => {
  command
    .argument(
      "<id>",
      "a prefix that `token list` shows, the token itself, or - to read it from standard input",
    )
    .option("-y, --yes", "do not ask");
  addExamples(command, "% token revoke tok_4fJx2a...", 'echo "$TOKEN" | % token revoke -');
  command.action((argument: string, options: { readonly yes?: boolean }) =>
    perform(async (context) => {
      const client = await context.connect("token");
      const id = argument === "-" ? (await readFirstLine(context.stdin)).trim() : argument;
      if (id === "") throw new UsageError("no token was given");
      await confirmDestruction(context, "Revoke this token?", options.yes === true);
      await client.revokeToken(id);
      if (context.output.json) context.output.data({ status: "revoked" });
      else context.output.result("Token revoked.");
      return undefined;
    }),
  );
};
