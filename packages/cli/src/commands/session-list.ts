import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";
import { relativeTime } from "../relative-time.js";

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
      const now = Date.now();
      const rows = sessions.map((session) => [
        session.id,
        session.service,
        session.protocol,
        session.addr,
        `${session.connections} of ${session.max_connections}`,
        relativeTime(session.expires_at, now),
        session.token,
      ]);
      await output.table(["SESSION", "SERVICE", "PROTOCOL", "ADDRESS", "CLIENTS", "EXPIRES", "TOKEN"], rows);
      return undefined;
    }),
  );
};
