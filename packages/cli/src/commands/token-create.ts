import type { TokenScope, VaultClient } from "@vault-proxy/client";
import { Argument, Option } from "commander";

import type { CommandContext } from "../command-context.js";
import type { ConfigureCommand } from "../command-definition.js";
import { lifetime, pointInTime } from "../duration.js";
import { addExamples } from "../help-examples.js";
import { UsageError } from "../failures.js";
import { deliverToken } from "../issued-token.js";
import { addPolicyFlags, policyOfFlags, type PolicyFlags } from "../policies/policy-flags.js";
import { namingTokenOptions } from "../policies/token-option-names.js";

const SCOPES: readonly TokenScope[] = ["proxy", "admin", "metrics"];

interface TokenCreateOptions extends PolicyFlags {
  readonly policy?: string;
  readonly scope?: TokenScope;
  readonly name?: string;
  readonly ttl?: string;
  readonly expiresAt?: string;
}

/** A service may be stored later, so that it is no mistake for sure. */
async function warnOfUnknownServices(
  { output, bin }: CommandContext,
  client: VaultClient,
  named: readonly string[] | undefined,
): Promise<void> {
  const names = named?.filter((name) => !name.includes("*")) ?? [];
  if (names.length === 0) return;
  const stored = new Set((await client.listServices()).map(({ name }) => name));
  for (const name of names.filter((each) => !stored.has(each))) {
    output.warn(`there is no service ${name}: the token is of no use before \`${bin} service add ${name}\``);
  }
}

export const configureTokenCreate: ConfigureCommand = (command, perform) => {
  command
    .addArgument(
      new Argument(
        "[scope]",
        "what it may do: use services (proxy, the default), everything, or read metrics",
      ).choices(SCOPES),
    )
    .addOption(new Option("--scope <scope>", "the same as an option").choices(SCOPES))
    .option("--name <name>", "what it is for; shown in lists and in the audit log")
    .option(
      "--ttl <duration>",
      "how long it lives, such as 90s, 24h or 7d (default: the server's --token-ttl, 24h)",
    )
    .option("--expires-at <time>", "or until when, such as 2030-01-31T18:00:00Z (RFC 3339)")
    .option("--policy <name>", "what it may do: a stored policy");
  addPolicyFlags(command);
  command.addHelpText("after", "\nThe token is the only output on stdout. It cannot be shown again.");
  addExamples(
    command,
    "TOKEN=$(% token create)",
    "% token create proxy --name triage-bot --ttl 8h --policy triage-bot",
    "% token create --service github --method GET --path '/repos/**' --rate 60/min --ttl 1h --max-uses 10",
    "% token create metrics --name prometheus --ttl 8760h",
    "% token create --service prod --action exec --command 'docker ps' --cooldown 30s",
  );
  command.action((named: TokenScope | undefined, options: TokenCreateOptions) =>
    perform(async (context) => {
      const { name, ttl, expiresAt } = options;
      if (named !== undefined && options.scope !== undefined && named !== options.scope) {
        throw new UsageError("two scopes are given", "give one");
      }
      const scope = options.scope ?? named ?? "proxy";
      const own = await policyOfFlags(context, options);
      if (own !== undefined && options.policy !== undefined) {
        throw new UsageError("--policy and rules of its own do not go together", "change the stored policy");
      }
      const client = await context.connect("token");
      const policy = options.policy ?? own;
      const request = {
        scope,
        name,
        ttl: ttl === undefined ? undefined : lifetime(ttl),
        expires_at: expiresAt === undefined ? undefined : pointInTime(expiresAt),
        policy,
      };
      await warnOfUnknownServices(context, client, options.service);
      const made = await namingTokenOptions(options, () => client.createTokenWithDetails(request));
      await deliverToken(context, client, made);
      return undefined;
    }),
  );
};
