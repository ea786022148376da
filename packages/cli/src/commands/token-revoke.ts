import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";
import { confirmDestruction } from "../prompt.js";
import { TOKEN_ARGUMENT_HELP, readTokenArgument } from "../token-argument.js";

/** Of a token, `tok_` included. */
const SHOWN_CHARACTERS = 12;

export const configureTokenRevoke: ConfigureCommand = (command, perform) => {
  command.argument("<id>", TOKEN_ARGUMENT_HELP).option("-y, --yes", "do not ask");
  addExamples(command, "% token revoke tok_4fJx2a...", 'echo "$TOKEN" | % token revoke -');
  command.action((argument: string, options: { readonly yes?: boolean }) =>
    perform(async (context) => {
      const client = await context.connect("token");
      const id = await readTokenArgument(context, argument);
      await confirmDestruction(context, `Revoke ${shortened(id)}?`, options.yes === true);
      await client.revokeToken(id);
      if (context.output.json) context.output.data({ status: "revoked" });
      else context.output.confirm("Token revoked.");
      return undefined;
    }),
  );
};

/** As lists show it: nobody beside the screen is to read a token. */
function shortened(id: string): string {
  return id.length > SHOWN_CHARACTERS ? `${id.slice(0, SHOWN_CHARACTERS)}...` : id;
}
