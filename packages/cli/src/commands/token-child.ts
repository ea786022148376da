import type { ConfigureCommand } from "../command-definition.js";
import { lifetime, pointInTime } from "../duration.js";
import { addExamples } from "../help-examples.js";
import { deliverToken } from "../issued-token.js";
import { addPolicyFlags, policyOfFlags, type PolicyFlags } from "../policies/policy-flags.js";
import { namingTokenOptions } from "../policies/token-option-names.js";

interface TokenChildOptions extends PolicyFlags {
  readonly name?: string;
  readonly ttl?: string;
  readonly expiresAt?: string;
}

export const configureTokenChild: ConfigureCommand = (command, perform) => {
  command
    .option("--name <name>", "what it is for; shown in lists and in the audit log")
    .option("--ttl <duration>", "how long it lives, such as 90s, 24h or 7d; no longer than its parent")
    .option("--expires-at <time>", "or until when, such as 2030-01-31T18:00:00Z (RFC 3339)");
  addPolicyFlags(command);
  command.addHelpText(
    "after",
    "\nFor a proxy token: hands on a part of what it may do; without a rule, all of it.\nThe token is the only output on stdout. It ends with its parent.",
  );
  addExamples(
    command,
    "TOKEN=$(% token child --ttl 10m --service github --method GET --path '/repos/acme/**')",
    "TOKEN=$(% token child --name sub-agent --policy-file part.yaml)",
  );
  command.action((options: TokenChildOptions) =>
    perform(async (context) => {
      const { name, ttl, expiresAt } = options;
      const policy = await policyOfFlags(context, options);
      const client = await context.connect("token");
      const request = {
        name,
        ttl: ttl === undefined ? undefined : lifetime(ttl),
        expires_at: expiresAt === undefined ? undefined : pointInTime(expiresAt),
        policy,
      };
      const made = await namingTokenOptions(options, () => client.createChildTokenWithDetails(request));
      await deliverToken(context, client, made);
      return undefined;
    }),
  );
};
