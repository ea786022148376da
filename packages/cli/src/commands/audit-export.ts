import { addFilterOptions, auditFilter, type FilterOptions } from "../audit/audit-filter.js";
import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";

const PAGE = 1000;

export const configureAuditExport: ConfigureCommand = (command, perform) => {
  addFilterOptions(command).addHelpText(
    "after",
    "\nOne JSON object a line, the newest first, without what only `audit verify` needs: to archive a log so\nthat it can be verified, copy its files.",
  );
  addExamples(command, "% audit export > audit-export.jsonl", "% audit export --action ssh --denied");
  command.action((options: FilterOptions) =>
    perform(async ({ connect, output }) => {
      const client = await connect("token");
      let before: number | undefined;
      do {
        const asked = { ...auditFilter(options), limit: PAGE, ...(before === undefined ? {} : { before }) };
        const page = await client.listAudit(asked);
        for (const entry of page.entries) await output.jsonLine(entry);
        before = page.next;
      } while (before !== undefined);
      return undefined;
    }),
  );
};
