import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";

export const configureSessionClose: ConfigureCommand = (command, perform) => {
  command.argument("<id>", "as `session list` shows it");
  addExamples(command, "% session close ses_4fJx2aQw9ZkRtB7uVnCdEf");
  command.action((id: string) =>
    perform(async ({ connect, output }) => {
      await (await connect("token")).closeSession(id);
      if (output.json) output.data({ status: "closed" });
      else output.confirm("Session closed.");
      return undefined;
    }),
  );
};
