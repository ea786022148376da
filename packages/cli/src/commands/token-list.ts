import type { TokenInfo } from "@vault-proxy/client";

import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";

export const configureTokenList: ConfigureCommand = (command, perform) => {
  command.addHelpText("after", "\nPrints JSON when stdout is no terminal.");
  addExamples(command, "% token list", "% token list --json");
  command.action(() =>
    perform(async ({ connect, output }) => {
      const tokens = await (await connect("token")).listTokens();
      if (output.json || !output.onTerminal) {
        output.data(tokens);
        return undefined;
      }
      const rows = tokens.map((token) => [
        token.id_prefix,
        token.scope,
        token.name ?? "",
        policyText(token),
        token.parent ?? "",
        token.expires_at,
        token.last_used_at ?? "never",
        token.suspended_at === undefined ? "active" : `SUSPENDED since ${token.suspended_at}`,
      ]);
      await output.table(
        ["TOKEN", "SCOPE", "NAME", "POLICY", "PARENT", "EXPIRES", "LAST USED", "STATUS"],
        rows,
      );
      return undefined;
    }),
  );
};

function policyText({ scope, policy, parent }: TokenInfo): string {
  if (policy !== undefined) return typeof policy === "string" ? policy : "(own rules)";
  if (scope === "admin") return "";
  return parent === undefined ? "(every service)" : "(as its parent)";
}
