import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";
import { confirmDestruction } from "../prompt.js";

export const configureServiceHostKeyClear: ConfigureCommand = (command, perform) => {
  command.argument("<service>", "name of a service of type ssh_key").option("-y, --yes", "do not ask");
  addExamples(command, "% service host-key clear box", "% service host-key clear box --yes");
  command.action((name: string, options: { readonly yes?: boolean }) =>
    perform(async (context) => {
      const client = await context.connect("token");
      const question = `Forget the host key of ${name}, and trust whichever server answers next?`;
      await confirmDestruction(context, question, options.yes === true);
      const service = await client.clearHostKey(name);
      if (context.output.json) context.output.data(service);
      else context.output.confirm(`Host key of ${name} cleared: the next connection's will be kept.`);
      return undefined;
    }),
  );
};
