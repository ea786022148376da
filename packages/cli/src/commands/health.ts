import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";

export const configureHealth: ConfigureCommand = (command, perform) => {
  addExamples(command, "% health", "% health --json");
  command.action(() =>
    perform(async ({ connect, output }) => {
      const client = await connect("no token");
      const health = await client.healthDetails();
      if (output.json) output.data(health);
      else output.result(`vault: ${health.status}`);
      if (!health.initialized) output.note("There is no vault yet: the first unlock creates it.");
      return undefined;
    }),
  );
};
