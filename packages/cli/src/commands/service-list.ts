import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";

export const configureServiceList: ConfigureCommand = (command, perform) => {
  addExamples(command, "% service list", "% service list --json");
  command.action(() =>
    perform(async ({ connect, output }) => {
      const services = await (await connect("token")).listServices();
      if (output.json) output.data(services);
      else if (services.length === 0) output.result("No services configured.");
      else if (output.onTerminal) {
        const rows = services.map(({ name, base_url, auth_type, token_status }) => {
          return [name, base_url ?? "", auth_type, token_status ?? ""];
        });
        await output.table(["NAME", "BASE URL", "AUTH", "STATUS"], rows);
      } else {
        for (const { name, base_url, auth_type } of services) {
          output.result(`  ${name.padEnd(20)} ${base_url ?? ""} (${auth_type})`);
        }
      }
      return undefined;
    }),
  );
};
