import { readFile } from "node:fs/promises";

import type { ConfigureCommand } from "../command-definition.js";
import { fileFailure } from "../file-failure.js";
import { addExamples } from "../help-examples.js";
import { printable } from "../output.js";
import { whileShown } from "../transfer-progress.js";

export const configureFileUpload: ConfigureCommand = (command, perform) => {
  command.argument("<name>", "name in the vault").argument("<path>", "the file, 5 MiB at most");
  addExamples(command, "% file upload google.json ~/Downloads/client_secret.json");
  command.action((name: string, path: string) =>
    perform(async ({ connect, output, stderr }) => {
      const client = await connect("token");
      const content = await readFile(path).catch((error: unknown) => {
        throw fileFailure("read", path, error);
      });
      const sent = client.uploadFile(name, content);
      const file = await whileShown({ stderr, output }, `Uploading ${printable(name)}`, sent);
      if (output.json) output.data(file);
      else output.confirm(`File "${file.name}" uploaded.`);
      return undefined;
    }),
  );
};
