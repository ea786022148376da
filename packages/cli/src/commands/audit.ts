import { addFilterOptions, auditSelection, type FilterOptions } from "../audit/audit-filter.js";
import { latestEntries } from "../audit/audit-pages.js";
import { addLimitOption, shownEntries } from "../audit/entry-count.js";
import { printEntry } from "../audit/print-entry.js";
import { printFollowed } from "../audit/print-followed.js";
import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";

interface AuditCommandOptions extends FilterOptions {
  readonly limit?: number;
  readonly follow?: boolean;
}

const SHOWN = 20;

/** `audit` without a verb: the end of the log, as `tail` shows the end of a file. */
export const configureAudit: ConfigureCommand = (command, perform) => {
  addLimitOption(addFilterOptions(command), SHOWN)
    .option("-f, --follow", "go on with what comes, until Ctrl-C")
    .addHelpText(
      "after",
      "\nPrints the newest entries, the oldest of them first: one line each on a terminal, in local time; else one\nJSON object a line.",
    );
  addExamples(
    command,
    "% audit",
    "% audit --since 1h",
    "% audit --follow --denied",
    "% audit --service github --limit 100 --json",
  );
  command.action(({ follow, ...options }: AuditCommandOptions) =>
    perform(async ({ connect, output }) => {
      const selection = auditSelection(options);
      const shown = shownEntries(options, SHOWN);
      const client = await connect("token");
      if (follow === true) return printFollowed(client, output, selection, shown);
      const entries = await latestEntries(client, selection.filter, shown, selection.sinceMs);
      for (const entry of entries) await printEntry(output, entry);
      if (entries.length === 0 && output.onTerminal) output.note("Nothing of that kind is recorded.");
      return undefined;
    }),
  );
};
