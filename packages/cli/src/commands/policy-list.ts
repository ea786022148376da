import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";
import { relativeTime } from "../relative-time.js";

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
      if (policies.length === 0) {
        output.note("No policy is stored.");
        return undefined;
      }
      const now = Date.now();
      const rows = policies.map(({ name, version, rules, updated_at, description }) => [
        ...[name, String(version), String(rules.length), relativeTime(updated_at, now), description ?? ""],
      ]);
      await output.table(["POLICY", "VERSION", "RULES", "UPDATED", "DESCRIPTION"], rows);
      return undefined;
    }),
  );
};
