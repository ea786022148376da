import type { VaultClient } from "@vault-proxy/client";

import type { CommandContext } from "../command-context.js";
import type { CommandTable, ConfigureCommand } from "../command-definition.js";
import type { Candidate } from "../completion/candidate.js";
import { completionsOf, type Completion } from "../completion/candidates.js";
import type { NameSources } from "../completion/names.js";

/** Somebody waits at the keyboard. */
const NAMES_TIMEOUT_MS = 1_000;

const NOTHING_KNOWN: Completion = { candidates: [], otherwise: "files" };

/** `__complete -- words… current`: for the scripts of `completion`. Tells no failure, which nobody could read. */
export const configureCompleteWords =
  (table: CommandTable): ConfigureCommand =>
  (command, perform) => {
    command.argument("[words...]");
    command.action((words: readonly string[]) =>
      perform(async (context) => {
        const current = words.at(-1) ?? "";
        const found = await completionsOf(table, words.slice(0, -1), current, namesOf(context)).catch(
          () => NOTHING_KNOWN,
        );
        const lines = found.candidates.map(({ word, description }) =>
          description === undefined || description === "" ? word : `${word}\t${description}`,
        );
        for (const line of lines.length > 0 ? lines : fallback(found)) {
          await context.output.bytes(Buffer.from(`${line.replace(/[\n\r]/g, " ")}\n`));
        }
        return undefined;
      }),
    );
  };

/** A line without a word tells the shell what to do instead; without a line it offers files. */
function fallback({ otherwise }: Completion): readonly string[] {
  if (otherwise === "files") return [];
  return [otherwise === "nothing" ? "\tnothing" : `\tprogram ${otherwise.programAt}`];
}

function namesOf(context: CommandContext): NameSources {
  /** Only names that a shell and a terminal read as they are. */
  const ofVault =
    <T>(list: (client: VaultClient) => Promise<readonly T[]>, candidate: (item: T) => Candidate) =>
    async (): Promise<readonly Candidate[]> => {
      try {
        const items = await list(await context.connect("token"));
        return items.map(candidate).filter(({ word }) => /^[A-Za-z0-9._-]+$/.test(word));
      } catch {
        return [];
      }
    };
  const options = { timeoutMs: NAMES_TIMEOUT_MS };
  const named = ({ name = "" }: { readonly name?: string }): Candidate => ({ word: name });
  const ofPresets = (ids: "ids" | "idsWithKey" | "idsWithLogin" | "idsWithSdk") => async () => {
    const { loadPresets } = await import("../presets/preset-catalogue.js");
    return (await loadPresets())[ids].map((word) => ({ word }));
  };
  return {
    services: ofVault((client) => client.listServices(options), named),
    policies: ofVault((client) => client.listPolicies(options), named),
    tokens: ofVault(
      (client) => client.listTokens(options),
      ({ id_prefix: word, name }) => ({ word, ...(name === undefined ? {} : { description: name }) }),
    ),
    tokenNames: ofVault((client) => client.listTokens(options), named),
    sessions: ofVault(
      (client) => client.listSessions(options),
      ({ id: word, service }) => ({ word, description: service }),
    ),
    files: ofVault((client) => client.listFiles(options), named),
    presets: ofPresets("ids"),
    keyPresets: ofPresets("idsWithKey"),
    loginPresets: ofPresets("idsWithLogin"),
    sdkPresets: ofPresets("idsWithSdk"),
  };
}
