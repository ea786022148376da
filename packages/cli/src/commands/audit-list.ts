import { addFilterOptions, auditSelection, type FilterOptions } from "../audit/audit-filter.js";
import { latestEntries } from "../audit/audit-pages.js";
import { addLimitOption, shownEntries } from "../audit/entry-count.js";
import { ENTRY_HEAD, entryRow } from "../audit/entry-row.js";
import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";

interface ListOptions extends FilterOptions {
  readonly limit?: number;
  readonly wide?: boolean;
}

const SHOWN = 50;

export const configureAuditList: ConfigureCommand = (command, perform) => {
  addLimitOption(addFilterOptions(command), SHOWN)
    .option("--wide", "cut no cell to the width of the terminal")
    .addHelpText("after", "\nThe newest comes last. Prints JSON, newest first, when stdout is no terminal.");
  addExamples(
    command,
    "% audit list --since 7d",
    "% audit list --service github --wide",
    "% audit list --denied --limit 20 --json",
  );
  command.action((options: ListOptions) =>
    perform(async ({ connect, output }) => {
      const { filter, sinceMs } = auditSelection(options);
      const shown = shownEntries(options, SHOWN);
      const entries = await latestEntries(await connect("token"), filter, shown, sinceMs);
      if (output.json || !output.onTerminal) {
        output.data(entries.toReversed());
        return undefined;
      }
      if (entries.length === 0) {
        output.note("Nothing of that kind is recorded.");
        return undefined;
      }
      await output.table(ENTRY_HEAD, entries.map(entryRow), options.wide === true ? "whole" : undefined);
      return undefined;
    }),
  );
};
