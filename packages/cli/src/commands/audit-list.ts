import { addFilterOptions, auditFilter, type FilterOptions } from "../audit/audit-filter.js";
import { PAGE_ENTRIES, latestEntries } from "../audit/audit-pages.js";
import { entryCount } from "../audit/entry-count.js";
import { ENTRY_HEAD, entryRow } from "../audit/entry-row.js";
import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";

interface ListOptions extends FilterOptions {
  readonly limit: number;
}

export const configureAuditList: ConfigureCommand = (command, perform) => {
  addFilterOptions(command)
    .option("--limit <entries>", `the newest so many, ${PAGE_ENTRIES} at most`, entryCount, 50)
    .addHelpText("after", "\nThe newest comes last. Prints JSON, newest first, when stdout is no terminal.");
  addExamples(command, "% audit list --service github", "% audit list --denied --limit 20 --json");
  command.action((options: ListOptions) =>
    perform(async ({ connect, output }) => {
      const { limit } = options;
      const entries = await latestEntries(await connect("token"), auditFilter(options), limit);
      if (output.json || !output.onTerminal) {
        output.data(entries.toReversed());
        return undefined;
      }
      if (entries.length === 0) {
        output.note("Nothing of that kind is recorded.");
        return undefined;
      }
      await output.table(ENTRY_HEAD, entries.map(entryRow));
      return undefined;
    }),
  );
};
