import { addExamples } from "../help-examples.js";
import type { ConfigureCommand } from "./registry.js";

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
