import type { ConfigureCommand } from "../command-definition.js";
import { parseDuration } from "../duration.js";
import { addExamples } from "../help-examples.js";
import { policyContentOf } from "../policies/policy-source.js";
import { leftOutText, readRecordedActions } from "../policies/recorded-actions.js";
import { counted } from "../vault-content-text.js";

interface PolicyBacktestOptions {
  readonly since: string;
  readonly token?: string;
}

export const configurePolicyBacktest: ConfigureCommand = (command, perform) => {
  command
    .argument("<policy>", "name of a policy, or a file with one")
    .option("--since <duration>", "how far back", "7d")
    .option("--token <name>", "only what this token did: its name, or the beginning of its id");
  command.addHelpText(
    "after",
    "\nSays how many uses of the audit log its rules would have denied, and which. Limits do not count.\nExits with 1 if there are any.",
  );
  addExamples(
    command,
    "% policy backtest triage-bot --since 7d --token bot",
    "% policy backtest ./narrower.yaml --token bot",
  );
  command.action((argument: string, { since, token }: PolicyBacktestOptions) =>
    perform(async (context) => {
      const { output } = context;
      const start = Date.now() - parseDuration(since);
      const policy = await policyContentOf(context, argument);
      const client = await context.connect("token");
      const { actions, incomplete, unverified } = await readRecordedActions(client, { token, since: start });
      const leftOut = leftOutText({ unverified });
      if (leftOut !== undefined) output.warn(leftOut);
      const { backtest, policyContentSchema } = await import("@vault-proxy/server/policies");
      const { allowed, denied } = backtest(policyContentSchema.parse(policy), actions);
      const { actionText } = await import("../policies/action-text.js");
      const counts = new Map<string, { reason: string; count: number }>();
      for (const { action, reason } of denied) {
        const text = actionText(action);
        const known = counts.get(text);
        if (known === undefined) counts.set(text, { reason, count: 1 });
        else known.count += 1;
      }
      if (output.json) {
        const list = [...counts].map(([action, { reason, count }]) => ({ action, count, reason }));
        output.data({ allowed, denied: denied.length, denials: list, incomplete, unverified });
      } else {
        output.result(
          `${counted(actions.length, "use", "uses")}: ${allowed} allowed, ${denied.length} denied`,
        );
        for (const [text, { count }] of counts) output.result(`${count}x ${text}`);
        if (incomplete > 0) {
          output.warn(`of ${counted(incomplete, "use", "uses")} the audit log does not tell all: left out`);
        }
      }
      return denied.length === 0 ? undefined : 1;
    }),
  );
};
