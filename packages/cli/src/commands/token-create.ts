import type { TokenScope } from "@vault-proxy/client";
import { Argument } from "commander";

import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";
import { assertTokenId } from "../issued-token-check.js";

interface TokenCreateOptions {
  readonly name?: string;
  readonly ttl?: string;
  readonly expiresAt?: string;
}

export const configureTokenCreate: ConfigureCommand = (command, perform) => {
  command
    .addArgument(
      new Argument("[scope]", "what it may do: use services, or everything")
        .choices(["proxy", "admin"])
        .default("proxy"),
    )
    .option("--name <name>", "what it is for; shown in lists and in the audit log")
    .option("--ttl <duration>", "how long it lives, such as 90s or 24h")
    .option("--expires-at <time>", "or until when (RFC 3339)");
  command.addHelpText("after", "\nThe token is the only output on stdout. It cannot be shown again.");
  addExamples(command, "TOKEN=$(% token create)", "% token create proxy --name triage-bot --ttl 8h");
  command.action((scope: TokenScope, options: TokenCreateOptions) =>
    perform(async ({ connect, output }) => {
      const { name, ttl, expiresAt } = options;
      const client = await connect("token");
      const token = await client.createTokenWithDetails({ scope, name, ttl, expires_at: expiresAt });
      assertTokenId(token);
      if (output.json) {
        output.data(token);
        return undefined;
      }
      output.result(token.id);
      const until = token.expires_at === undefined ? "it does not expire" : `valid until ${token.expires_at}`;
      output.note(`scope ${token.scope}, ${until}`);
      return undefined;
    }),
  );
};
