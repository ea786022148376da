import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";
import { printable } from "../output.js";

export const configureServiceShow: ConfigureCommand = (command, perform) => {
  command.argument("<name>", "name of the service");
  addExamples(command, "% service show openai", "% service show openai --json");
  command.action((name: string) =>
    perform(async ({ connect, output }) => {
      const service = await (await connect("token")).getService(name);
      if (output.json) {
        output.data(service);
        return undefined;
      }
      const fields = Object.entries(service);
      const width = Math.max(...fields.map(([field]) => field.length)) + 1;
      for (const [field, value] of fields) {
        output.result(printable(`${`${field}:`.padEnd(width)} ${shown(field, value)}`));
      }
      return undefined;
    }),
  );
};

function shown(field: string, value: unknown): string {
  if (field === "expires_at" && typeof value === "number") return new Date(value * 1000).toISOString();
  if (Array.isArray(value)) return value.join(" ");
  return typeof value === "string" ? value : JSON.stringify(value);
}
