import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";

export const configurePolicyList: ConfigureCommand = (command, perform) => {
  command.addHelpText("after", "\nPrints JSON when stdout is no terminal.");
  addExamples(command, "% policy list", "% policy list --json");
  command.action(() =>
    perform(async ({ connect, output }) => {
      const policies = await (await connect("token")).listPolicies();
      if (output.json || !output.onTerminal) {
        output.data(policies);
        return undefined;
      }
      const rows = policies.map(({ name, version, rules, updated_at, description }) => [
        ...[name, String(version), String(rules.length), updated_at, description ?? ""],
      ]);
      await output.table(["POLICY", "VERSION", "RULES", "UPDATED", "DESCRIPTION"], rows);
      return undefined;
    }),
  );
};
