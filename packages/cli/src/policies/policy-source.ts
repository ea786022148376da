import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import type { PolicyContent } from "@vault-proxy/client";

import type { CommandContext } from "../command-context.js";
import { CliError } from "../failures.js";
import { fileFailure } from "../file-failure.js";

export const POLICY_FILE_HELP = "a file with a policy as YAML or JSON, or - for standard input";

/** Whether an argument that may be a stored policy's name is a file: a name has no `/`, and such an end is none. */
export function isPolicyFile(argument: string): boolean {
  return argument === "-" || argument.includes("/") || /\.(?:ya?ml|json)$/i.test(argument);
}

/** The text of a policy file. */
export async function readPolicyFile(context: Pick<CommandContext, "stdin">, path: string): Promise<string> {
  if (path === "-") return text(context.stdin);
  return readFile(path, "utf8").catch((error: unknown) => {
    throw fileFailure("read", path, error);
  });
}

/** What a policy file says, without its name. */
export async function readPolicyContent(
  context: Pick<CommandContext, "stdin">,
  path: string,
): Promise<PolicyContent> {
  const { policyContentSchema, policySchema, readPolicyText } = await import("@vault-proxy/server/policies");
  const read = readPolicyText(await readPolicyFile(context, path));
  if (!read.ok) throw new CliError(read.reason);
  const named = policySchema.partial({ name: true }).safeParse(read.value);
  if (!named.success) {
    const { path: place = [], message = "it is not valid" } = named.error.issues[0] ?? {};
    throw new CliError(`the policy is not valid: ${[...place.map(String), message].join(": ")}`);
  }
  const { name: _name, description: _description, ...content } = named.data;
  return policyContentSchema.parse(content);
}

/** A stored policy's content by its name, or that of a file. */
export async function policyContentOf(context: CommandContext, argument: string): Promise<PolicyContent> {
  if (isPolicyFile(argument)) return readPolicyContent(context, argument);
  const client = await context.connect("token");
  const { rules, limits, valid } = await client.getPolicy(argument);
  return { rules, ...(limits === undefined ? {} : { limits }), ...(valid === undefined ? {} : { valid }) };
}
