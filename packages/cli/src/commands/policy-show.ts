import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";

export const configurePolicyShow: ConfigureCommand = (command, perform) => {
  command.argument("<name>", "name of the policy");
  command.addHelpText("after", "\nPrints YAML that `policy add` takes; with --json all that is kept.");
  addExamples(command, "% policy show triage-bot", "% policy show triage-bot > triage-bot.yaml");
  command.action((name: string) =>
    perform(async ({ connect, output }) => {
      const stored = await (await connect("token")).getPolicy(name);
      if (output.json) {
        output.data(stored);
        return undefined;
      }
      const { policyYaml } = await import("../policies/policy-yaml.js");
      const { version, updated_at, ...policy } = stored;
      for (const line of policyYaml(policy).split("\n")) output.result(line);
      output.note(`version ${version}, of ${updated_at}`);
      return undefined;
    }),
  );
};
