import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";

export const configureSessionList: ConfigureCommand = (command, perform) => {
  command.addHelpText(
    "after",
    "\nAn admin sees all, others their own. Prints JSON when stdout is no terminal.",
  );
  addExamples(command, "% session list", "% session list --json");
  command.action(() =>
    perform(async ({ connect, output }) => {
      const sessions = await (await connect("token")).listSessions();
      if (output.json || !output.onTerminal) {
        output.data(sessions);
        return undefined;
      }
      if (sessions.length === 0) {
        output.note("No session is open.");
        return undefined;
      }
      const rows = sessions.map((session) => [
        session.id,
        session.protocol,
        session.service,
        session.addr,
        `${session.connections} of ${session.max_connections}`,
        session.expires_at,
        session.token,
      ]);
      await output.table(["SESSION", "PROTOCOL", "SERVICE", "ADDRESS", "CLIENTS", "EXPIRES", "TOKEN"], rows);
      return undefined;
    }),
  );
};
