import { addFilterOptions, auditSelection, type FilterOptions } from "../audit/audit-filter.js";
import { allEntries } from "../audit/audit-pages.js";
import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";

export const configureAuditExport: ConfigureCommand = (command, perform) => {
  addFilterOptions(command).addHelpText(
    "after",
    "\nOne JSON object a line, the oldest first, without what only `audit verify` needs: to archive a log so\nthat it can be verified, copy its files.",
  );
  addExamples(
    command,
    "% audit export > audit-export.jsonl",
    "% audit export --since 30d --service github",
    "% audit export --action ssh --denied",
  );
  command.action((options: FilterOptions) =>
    perform(async ({ connect, output }) => {
      const { filter, sinceMs } = auditSelection(options);
      const client = await connect("token");
      for await (const entry of allEntries(client, filter, sinceMs)) await output.jsonLine(entry);
      return undefined;
    }),
  );
};
