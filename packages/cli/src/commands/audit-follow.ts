import { addFilterOptions, auditSelection, type FilterOptions } from "../audit/audit-filter.js";
import { printFollowed } from "../audit/print-followed.js";
import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";

/** Of what was there before. */
const SHOWN_BEFORE = 10;

export const configureAuditFollow: ConfigureCommand = (command, perform) => {
  addFilterOptions(command).addHelpText(
    "after",
    "\nGoes on until Ctrl-C. Prints one JSON object a line when stdout is no terminal.",
  );
  addExamples(command, "% audit follow", "% audit follow --since 1h", "% audit follow --denied --json");
  command.action((options: FilterOptions) =>
    perform(async ({ connect, output }) => {
      const selection = auditSelection(options);
      const before = selection.sinceMs === undefined ? SHOWN_BEFORE : Number.POSITIVE_INFINITY;
      return printFollowed(await connect("token"), output, selection, before);
    }),
  );
};
