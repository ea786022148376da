import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";
import { sizeText } from "../size-text.js";

export const configureFileList: ConfigureCommand = (command, perform) => {
  addExamples(command, "% file list", "% file list --json");
  command.action(() =>
    perform(async ({ connect, output }) => {
      const files = await (await connect("token")).listFiles();
      if (output.json) output.data(files);
      else if (files.length === 0) output.result("No files stored.");
      else if (output.onTerminal) {
        const rows = files.map(({ name, mime_type, size }) => [name, mime_type, sizeText(size)]);
        await output.table(["NAME", "TYPE", "SIZE"], rows);
      } else {
        for (const { name, mime_type, size } of files) {
          output.result(`  ${name.padEnd(30)} ${mime_type} (${size} bytes)`);
        }
      }
      return undefined;
    }),
  );
};
