import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";
import { confirmDestruction } from "../prompt.js";

interface PolicyRemoveOptions {
  readonly yes?: boolean;
  readonly force?: boolean;
}

export const configurePolicyRemove: ConfigureCommand = (command, perform) => {
  command
    .argument("<name>", "name of the policy")
    .option("-y, --yes", "do not ask")
    .option("--force", "even if tokens have it: they may do nothing then");
  addExamples(command, "% policy remove triage-bot", "% policy remove triage-bot --force --yes");
  command.action((name: string, { yes, force }: PolicyRemoveOptions) =>
    perform(async (context) => {
      const client = await context.connect("token");
      await confirmDestruction(context, `Remove the policy ${name}?`, yes === true);
      await client.removePolicy(name, { force });
      if (context.output.json) context.output.data({ status: "deleted", name });
      else context.output.confirm("Policy removed.");
      return undefined;
    }),
  );
};
