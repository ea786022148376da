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
        const [first = "", ...others] = linesOf(field, value);
        output.prose(`${`${field}:`.padEnd(width)} ${first}`.trimEnd(), width + 1);
        for (const other of others) output.prose(`${" ".repeat(width)} ${other}`, width + 1);
      }
      return undefined;
    }),
  );
};

/** Commands and paths may hold blanks: each has a line of its own. */
function linesOf(field: string, value: unknown): string[] {
  return field.startsWith("ssh_allowed_") && Array.isArray(value) ? value.map(asText) : [shown(field, value)];
}

function shown(field: string, value: unknown): string {
  if (field === "expires_at" && typeof value === "number") return timeText(value);
  return Array.isArray(value) ? value.map(asText).join(" ") : asText(value);
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
