import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";
import { TOKEN_ARGUMENT_HELP, readTokenArgument } from "../token-argument.js";

export const configureTokenResume: ConfigureCommand = (command, perform) => {
  command.argument("<id-or-prefix>", TOKEN_ARGUMENT_HELP);
  command.addHelpText(
    "after",
    "\nA token is suspended after it sent secrets of other services, or guessed at one, three times. Look at what its holder does first.",
  );
  addExamples(command, "% token resume tok_4fJx2a...", 'echo "$TOKEN" | % token resume -');
  command.action((argument: string) =>
    perform(async (context) => {
      const client = await context.connect("token");
      await client.resumeToken(await readTokenArgument(context, argument));
      if (context.output.json) context.output.data({ status: "active" });
      else context.output.confirm("Token resumed.");
      return undefined;
    }),
  );
};
