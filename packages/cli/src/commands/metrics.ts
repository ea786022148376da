import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";

export const configureMetrics: ConfigureCommand = (command, perform) => {
  addExamples(command, "% metrics", "% metrics | grep denials");
  command.action(() =>
    perform(async ({ connect, output }) => {
      const text = await (await connect("token")).metrics();
      if (output.json) output.data({ metrics: text });
      else await output.bytes(Buffer.from(text));
      return undefined;
    }),
  );
};
