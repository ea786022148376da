import type { TokenInfo, VaultClient } from "@vault-proxy/client";

import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";
import { relativeTime, spanText } from "../relative-time.js";

/** What matters most comes first: a narrow terminal leaves out the last. */
const HEAD = ["TOKEN", "NAME", "SCOPE", "STATUS", "EXPIRES", "LAST USED", "POLICY", "PARENT"];

export const configureTokenList: ConfigureCommand = (command, perform) => {
  command.addHelpText("after", "\nPrints JSON when stdout is no terminal.");
  addExamples(command, "% token list", "% token list --json");
  command.action(() =>
    perform(async ({ connect, output }) => {
      const client = await connect("token");
      const tokens = await client.listTokens();
      if (output.json || !output.onTerminal) {
        output.data(tokens);
        return undefined;
      }
      const now = Date.now();
      const unused = await unusedText(client, tokens, now);
      const rows = tokens.map((token) => [
        token.id_prefix,
        token.name ?? "",
        token.scope,
        token.suspended_at === undefined ? "active" : `SUSPENDED ${relativeTime(token.suspended_at, now)}`,
        relativeTime(token.expires_at, now),
        token.last_used_at === undefined ? unused : relativeTime(token.last_used_at, now),
        policyText(token),
        token.parent ?? "",
      ]);
      await output.table(HEAD, rows);
      return undefined;
    }),
  );
};

function policyText({ scope, policy, parent }: TokenInfo): string {
  if (policy !== undefined) return typeof policy === "string" ? policy : "(own rules)";
  if (scope === "admin") return "";
  return parent === undefined ? "(all)" : "(parent's)";
}

/** The server knows of uses since its start only. */
async function unusedText(client: VaultClient, tokens: readonly TokenInfo[], now: number): Promise<string> {
  if (tokens.every((token) => token.last_used_at !== undefined)) return "";
  const { details } = await client.healthDetails();
  if (details === undefined) return "not since the start";
  const running = now - Date.parse(details.started_at);
  return running < 60_000 ? "not yet" : `not for ${spanText(running)}`;
}
