import type { CommandContext } from "../command-context.js";
import type { CommandTable, ConfigureCommand } from "../command-definition.js";
import { completionsOf, type Candidate, type NameSources } from "../completion/candidates.js";

/** Somebody waits at the keyboard. */
const NAMES_TIMEOUT_MS = 1_000;

/** `__complete -- words… current`: for the scripts of `completion`. Tells no failure, which nobody could read. */
export const configureCompleteWords =
  (table: CommandTable): ConfigureCommand =>
  (command, perform) => {
    command.argument("[words...]");
    command.action((words: readonly string[]) =>
      perform(async (context) => {
        const current = words.at(-1) ?? "";
        const found = await completionsOf(table, words.slice(0, -1), current, namesOf(context)).catch(
          (): Candidate[] => [],
        );
        for (const { word, description } of found) {
          const line = description === undefined ? word : `${word}\t${description}`;
          await context.output.bytes(Buffer.from(`${line.replace(/[\n\r]/g, " ")}\n`));
        }
        return undefined;
      }),
    );
  };

function namesOf(context: CommandContext): NameSources {
  return {
    async services() {
      try {
        const client = await context.connect("token");
        const services = await client.listServices({ timeoutMs: NAMES_TIMEOUT_MS });
        // The vault's names hold nothing that a shell or a terminal reads otherwise.
        return services.map(({ name }) => name).filter((name) => /^[A-Za-z0-9._-]+$/.test(name));
      } catch {
        return [];
      }
    },
    async presets() {
      const { loadPresets } = await import("../presets/preset-catalogue.js");
      return (await loadPresets()).ids;
    },
  };
}
