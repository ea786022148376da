import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";
import { POLICY_FILE_HELP, readPolicyFile } from "../policies/policy-source.js";

export const configurePolicyAdd: ConfigureCommand = (command, perform) => {
  command.argument("<file>", POLICY_FILE_HELP);
  command.addHelpText("after", "\nTokens that have a policy of that name are held to the new one at once.");
  addExamples(
    command,
    "% policy add triage-bot.yaml",
    "% policy learn --token bot --name bot | % policy add -",
  );
  command.action((file: string) =>
    perform(async (context) => {
      const client = await context.connect("token");
      const policy = await client.addPolicy(await readPolicyFile(context, file));
      if (context.output.json) context.output.data(policy);
      else context.output.confirm(`Policy "${policy.name}" stored, version ${policy.version}.`);
      return undefined;
    }),
  );
};
