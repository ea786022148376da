import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";
import { canAsk, confirmDestruction } from "../prompt.js";

export const configureServiceRemove: ConfigureCommand = (command, perform) => {
  command.argument("<name>", "name of the service").option("-y, --yes", "do not ask");
  addExamples(command, "% service remove openai", "% service remove openai --yes");
  command.action((name: string, options: { readonly yes?: boolean }) =>
    perform(async (context) => {
      const client = await context.connect("token");
      // Nobody is asked about what is not there.
      if (canAsk(context) && options.yes !== true) await client.getService(name);
      await confirmDestruction(context, `Remove ${name} and its credential?`, options.yes === true);
      await client.removeService(name);
      if (context.output.json) context.output.data({ status: "deleted", name });
      else context.output.confirm("Service removed.");
      return undefined;
    }),
  );
};
