import { InvalidArgumentError } from "commander";
import { addFilterOptions, auditFilter, type FilterOptions } from "../audit/audit-filter.js";
import { ENTRY_HEAD, entryRow } from "../audit/entry-row.js";
import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";

interface ListOptions extends FilterOptions {
  readonly limit: number;
}

const MAX_ENTRIES = 1000;

export const configureAuditList: ConfigureCommand = (command, perform) => {
  addFilterOptions(command)
    .option("--limit <entries>", `the newest so many, ${MAX_ENTRIES} at most`, entryCount, 50)
    .addHelpText("after", "\nThe newest comes last. Prints JSON, newest first, when stdout is no terminal.");
  addExamples(command, "% audit list --service github", "% audit list --denied --limit 20 --json");
  command.action((options: ListOptions) =>
    perform(async ({ connect, output }) => {
      const { limit } = options;
      const { entries } = await (await connect("token")).listAudit({ ...auditFilter(options), limit });
      if (output.json || !output.onTerminal) {
        output.data(entries);
        return undefined;
      }
      if (entries.length === 0) {
        output.note("Nothing of that kind is recorded.");
        return undefined;
      }
      await output.table(ENTRY_HEAD, entries.toReversed().map(entryRow));
      return undefined;
    }),
  );
};

function entryCount(text: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1 || count > MAX_ENTRIES)
    throw new InvalidArgumentError(`It is a whole number from 1 to ${MAX_ENTRIES}.`);
  return count;
}
