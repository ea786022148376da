import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";

export const configureOauthCancel: ConfigureCommand = (command, perform) => {
  command.argument("<flow>", "the login, as `oauth login --no-wait` printed it");
  addExamples(command, "% oauth cancel 3q2-7w…");
  command.action((flow: string) =>
    perform(async ({ connect, output }) => {
      await (await connect("token")).cancelOauthFlow(flow);
      if (output.json) output.data({ status: "cancelled", flow });
      else output.confirm("Login cancelled.");
      return undefined;
    }),
  );
};
