import type { VaultClient } from "@vault-proxy/client";
import type { Command } from "commander";

import type { CommandContext } from "./command-context.js";
import type { CommandEntry } from "./command-definition.js";
import { argumentKind, optionValueKind, type NameKind, type WordKind } from "./completion/names.js";
import { MissingNameError } from "./failures.js";
import { nearNames } from "./near-names.js";

/** What else there is of that kind is told only if it comes at once. */
const LIST_TIMEOUT_MS = 2_000;

interface Kind {
  readonly names: NameKind;
  /** The command that lists them. */
  readonly list: string;
  /** Absent where the name may be a secret itself, and where nobody remembers names. */
  readonly known?: (client: VaultClient) => Promise<readonly string[]>;
}

/** By the noun in what the vault says: `no such service`. */
const KINDS: Readonly<Record<string, Kind>> = {
  service: {
    names: "services",
    list: "service list",
    known: async (client) =>
      (await client.listServices({ timeoutMs: LIST_TIMEOUT_MS })).map(({ name }) => name),
  },
  policy: {
    names: "policies",
    list: "policy list",
    known: async (client) =>
      (await client.listPolicies({ timeoutMs: LIST_TIMEOUT_MS })).map(({ name }) => name),
  },
  file: {
    names: "files",
    list: "file list",
    known: async (client) => (await client.listFiles({ timeoutMs: LIST_TIMEOUT_MS })).map(({ name }) => name),
  },
  token: { names: "tokens", list: "token list" },
  session: { names: "sessions", list: "session list" },
};

/**
 * What a failed command tells: of a name that the vault does not have, which it is, what may have been meant, and where
 * the names are.
 * @param command whose words were read
 * @returns the error itself where it is another
 */
export async function withMissingName(
  error: unknown,
  context: CommandContext,
  entry: CommandEntry,
  command: Command,
): Promise<unknown> {
  const noun = nounOf(error);
  const kind = noun === undefined ? undefined : KINDS[noun];
  if (kind === undefined || !(error instanceof Error)) return error;
  const list = `\`${context.bin} ${kind.list}\` shows what there is`;
  const name = kind.known === undefined ? undefined : givenName(entry, command, kind.names);
  if (name === undefined) return new MissingNameError(error.message, list, error);
  const known = await knownNames(context, kind);
  const near = nearNames(name, new Map(known.map((id) => [id, id])));
  const hint = near.length === 0 ? list : `did you mean ${near.join(" or ")}? ${list}`;
  return new MissingNameError(`${error.message} "${name}"`, hint, error);
}

/** By the error's shape, so that the client is loaded only by what calls. */
function nounOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || error.name !== "VaultError") return undefined;
  if (!("code" in error) || error.code !== "not_found") return undefined;
  return /^no such (\w+)$/.exec(error.message)?.[1];
}

/** The only one of that kind on the command line. */
function givenName(entry: CommandEntry, command: Command, names: NameKind): string | undefined {
  const isMeant = (kind: WordKind): boolean =>
    typeof kind === "object" && "names" in kind && kind.names === names;
  const values: unknown[] = [
    ...command.registeredArguments.map((argument, at): unknown =>
      isMeant(argumentKind(entry, argument)) ? command.processedArgs[at] : undefined,
    ),
    ...command.options.map((option): unknown =>
      isMeant(optionValueKind(option)) ? command.getOptionValue(option.attributeName()) : undefined,
    ),
  ].filter((value) => value !== undefined);
  const [name] = values;
  return values.length === 1 && typeof name === "string" ? name : undefined;
}

async function knownNames({ connect }: CommandContext, { known }: Kind): Promise<readonly string[]> {
  try {
    return (await known?.(await connect("token"))) ?? [];
  } catch {
    return [];
  }
}
