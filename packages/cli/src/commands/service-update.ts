import type { ServiceInfo } from "@vault-proxy/client";

import type { CommandContext } from "../command-context.js";
import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";
import { canAsk } from "../prompt.js";
import { assertOneSource } from "../service-add/add-options.js";
import { namingOptions } from "../service-add/option-names.js";
import { checkAfterwards } from "../service-add/store-services.js";
import { changedFields, changeLines } from "../service-update/changed-fields.js";
import { movedCredential } from "../service-update/moved-credential.js";
import { serviceChange } from "../service-update/service-change.js";
import { addServiceUpdateOptions, type ServiceUpdateOptions } from "../service-update/update-options.js";
import { changeServiceWithKey } from "../ssh/key-upload.js";

export const configureServiceUpdate: ConfigureCommand = (command, perform) => {
  command.argument("<name>", "name of the service");
  addServiceUpdateOptions(command);
  command.addHelpText(
    "after",
    "\nWhat is not named stays as it is, the secret too. With no option at all a terminal asks for the new secret.\n" +
      "--secret-stdin and --secret-file hold one value a line, as for `service add`. --header adds a header or\n" +
      "changes one; a list, such as that of --ssh-allowed-command, is replaced as a whole.",
  );
  addExamples(
    command,
    "% service update openai",
    "% service update openai --secret-file new-key.txt --test",
    "printenv NEW_KEY | % service update internal --secret-stdin",
    "% service update openai --base-url https://eu.api.openai.com --unset description",
    "% service update box --ssh-key-file ~/.ssh/deploy-2026",
  );
  command.action((name: string, options: ServiceUpdateOptions) =>
    perform((context) => update(context, name, options)),
  );
};

async function update(
  context: CommandContext,
  name: string,
  options: ServiceUpdateOptions,
): Promise<number | undefined> {
  assertOneSource(options);
  const client = await context.connect("token");
  const before = await client.getService(name);
  const { patch, key, hasSecret } = await serviceChange(context, before, options);
  const after = await namingOptions(before.auth_type, () =>
    key === undefined ? client.patchService(name, patch) : changeServiceWithKey(client, before, patch, key),
  );
  if (!context.output.json) tellOfChange(context, before, after, hasSecret);
  return checkAfterwards(context, client, after, {
    test: options.test ?? (canAsk(context) && hasSecret),
    testCounts: options.test === true,
  });
}

function tellOfChange(
  { output }: CommandContext,
  before: ServiceInfo,
  after: ServiceInfo,
  hasSecret: boolean,
): void {
  output.confirm("Service updated.");
  const secret = hasSecret ? [{ field: "credential", before: "…", after: "…, the new one" }] : [];
  for (const line of changeLines([...secret, ...changedFields(before, after)])) output.note(line);
  const moved = movedCredential(before, after, hasSecret);
  if (moved !== undefined) output.warn(moved);
  for (const warning of after.warnings ?? []) output.warn(warning);
}
