import type { ConfigureCommand } from "../command-definition.js";
import { parseDuration } from "../duration.js";
import { CliError, UsageError } from "../failures.js";
import { addExamples } from "../help-examples.js";
import { leftOutText, readRecordedActions } from "../policies/recorded-actions.js";
import { counted } from "../vault-content-text.js";

interface PolicyLearnOptions {
  readonly token: string;
  readonly since: string;
  readonly name?: string;
}

const HELP = `
Prints the smallest policy that would have allowed what the token did, as YAML for \`policy add\`. Numbers,
hashes and other identifiers in paths become *. Look at it before you store it: it allows no less than
what was done, whether or not that should have been.
`;

export const configurePolicyLearn: ConfigureCommand = (command, perform) => {
  command
    .requiredOption("--token <name>", "name of the token, or the beginning of its id")
    .option("--since <duration>", "how far back", "24h")
    .option("--name <name>", "name of the policy (default: learned)")
    .addHelpText("after", HELP);
  addExamples(
    command,
    "% policy learn --token triage-bot --since 24h --name triage-bot > triage-bot.yaml",
    "% policy learn --token tok_AbCdEfGh --since 7d",
  );
  command.action(({ token, since, name = "learned" }: PolicyLearnOptions) =>
    perform(async ({ connect, output }) => {
      const { learnPolicy, policySchema } = await import("@vault-proxy/server/policies");
      if (!policySchema.shape.name.safeParse(name).success)
        throw new UsageError(`"${name}" is no name for a policy`);
      const start = Date.now() - parseDuration(since);
      const client = await connect("token");
      const { actions, incomplete, unverified } = await readRecordedActions(client, { token, since: start });
      const leftOut = leftOutText({ unverified });
      if (leftOut !== undefined) output.warn(leftOut);
      if (actions.length === 0)
        throw new CliError("the audit log has nothing that this token did in that time");
      const { policy, notCovered } = learnPolicy(actions, { name });
      if (output.json) {
        output.data({ policy, actions: actions.length, not_covered: notCovered, incomplete, unverified });
        return undefined;
      }
      const { policyYaml } = await import("../policies/policy-yaml.js");
      for (const line of policyYaml(policy).split("\n")) output.result(line);
      output.note(`learned of ${counted(actions.length, "use", "uses")}`);
      const { actionText } = await import("../policies/action-text.js");
      for (const text of new Set(notCovered.map(actionText))) output.warn(`not covered: ${text}`);
      if (incomplete > 0) {
        output.warn(`of ${counted(incomplete, "use", "uses")} the audit log does not tell all: left out`);
      }
      return undefined;
    }),
  );
};
