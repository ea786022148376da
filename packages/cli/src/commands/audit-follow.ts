import { addFilterOptions, auditFilter, type FilterOptions } from "../audit/audit-filter.js";
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
  addExamples(command, "% audit follow", "% audit follow --denied --json");
  command.action((options: FilterOptions) =>
    perform(async ({ connect, output }) =>
      printFollowed(await connect("token"), output, auditFilter(options), SHOWN_BEFORE),
    ),
  );
};
