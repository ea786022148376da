import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";
import { assertDone } from "../login/login-outcome.js";
import { loginStatus, pollLogin } from "../login/login-wait.js";

export const configureOauthStatus: ConfigureCommand = (command, perform) => {
  command
    .argument("<flow>", "the login, as `oauth login --no-wait` printed it")
    .option("--wait", "until it has ended");
  addExamples(command, "% oauth status --wait 3q2-7w…");
  command.action((flow: string, options: { readonly wait?: boolean }) =>
    perform(async ({ connect, output }) => {
      const client = await connect("token");
      const status =
        options.wait === true ? await pollLogin(client, { flow }) : await loginStatus(client, { flow });
      if (output.json) {
        output.data(status);
        return status.status === "failed" ? 1 : undefined;
      }
      if (status.status === "failed") assertDone(status);
      output.result(`${status.status}: ${status.service_name}`);
      return undefined;
    }),
  );
};
