import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";
import { timeText } from "../time-text.js";

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
        output.result(`${`${field}:`.padEnd(width)} ${shown(field, value)}`);
      }
      return undefined;
    }),
  );
};

function shown(field: string, value: unknown): string {
  if (field === "expires_at" && typeof value === "number") return timeText(value);
  return Array.isArray(value) ? value.map(asText).join(" ") : asText(value);
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
