import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";
import { confirmDestruction } from "../prompt.js";

export const configureFileDelete: ConfigureCommand = (command, perform) => {
  command.argument("<name>", "name in the vault").option("-y, --yes", "do not ask");
  addExamples(command, "% file delete google.json", "% file delete google.json --yes");
  command.action((name: string, options: { readonly yes?: boolean }) =>
    perform(async (context) => {
      const client = await context.connect("token");
      await confirmDestruction(context, `Delete ${name} from the vault?`, options.yes === true);
      await client.deleteFile(name);
      if (context.output.json) context.output.data({ status: "deleted", name });
      else context.output.confirm("File deleted.");
      return undefined;
    }),
  );
};
