import { addFilterOptions, auditFilter, type FilterOptions } from "../audit/audit-filter.js";
import { followAudit } from "../audit/follow-audit.js";
import { printEntry } from "../audit/print-entry.js";
import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";
import { untilInterrupted } from "../interruption.js";

/** Of what was there before. */
const SHOWN_BEFORE = 10;

export const configureAuditFollow: ConfigureCommand = (command, perform) => {
  addFilterOptions(command).addHelpText(
    "after",
    "\nGoes on until Ctrl-C. Prints one JSON object a line when stdout is no terminal.",
  );
  addExamples(command, "% audit follow", "% audit follow --denied --json");
  command.action((options: FilterOptions) =>
    perform(async ({ connect, output }) => {
      const client = await connect("token");
      await untilInterrupted(async (signal) => {
        for await (const entry of followAudit(client, auditFilter(options), { tail: SHOWN_BEFORE, signal })) {
          await printEntry(output, entry);
        }
      }, "the audit log goes on");
      return undefined;
    }),
  );
};
