import type { ServiceInfo, VaultClient } from "@vault-proxy/client";

import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";
import { confirmDestruction } from "../prompt.js";
import { isStoredFor } from "../ssh/key-upload.js";
import { isFileUsed, keyFilesOf } from "../stored-key-files.js";

export const configureServiceRemove: ConfigureCommand = (command, perform) => {
  command
    .argument("<name>", "name of the service")
    .option("-y, --yes", "do not ask")
    .addHelpText(
      "after",
      "\nA private key that `service add` stored for it goes too. A file that was uploaded, or that another service needs," +
        "\nstays, and is named.",
    );
  addExamples(command, "% service remove openai", "% service remove openai --yes");
  command.action((name: string, options: { readonly yes?: boolean }) =>
    perform(async (context) => {
      const { bin, output } = context;
      const client = await context.connect("token");
      // Nobody is asked about what is not there.
      const { own, others } = await filesOf(client, await client.getService(name));
      const [key] = own;
      const what =
        key === undefined ? `${name} and its credential` : `${name}, its credential and its key file ${key}`;
      await confirmDestruction(context, `Remove ${what}?`, options.yes === true);
      await client.removeService(name);
      const removed: string[] = [];
      for (const file of own) {
        // The service is gone by now: that its key is not is told, and no reason to fail.
        if (await client.deleteFile(file).then(yes, no)) removed.push(file);
        else others.push(file);
      }
      if (output.json) {
        output.data({ status: "deleted", name, files_deleted: removed, files_kept: others });
        return undefined;
      }
      output.confirm("Service removed.");
      if (removed.length > 0) output.note(`Its key file ${removed.join(", ")} is deleted.`);
      for (const file of others) {
        output.warn(
          (await isFileUsed(client, file).catch(no))
            ? `the file ${file} stays: another service needs it`
            : `the file ${file} stays in the vault; delete it with \`${bin} file delete ${file}\``,
        );
      }
      return undefined;
    }),
  );
};

/** What it needs of stored files: those that go with it, and those that stay. */
async function filesOf(
  client: VaultClient,
  service: ServiceInfo,
): Promise<{ readonly own: readonly string[]; readonly others: string[] }> {
  const own: string[] = [];
  const others: string[] = [];
  for (const file of keyFilesOf(service)) {
    const goes =
      (await isStoredFor(client, service.name, file)) && !(await isFileUsed(client, file, service.name));
    (goes ? own : others).push(file);
  }
  return { own, others };
}

function yes(): boolean {
  return true;
}

function no(): boolean {
  return false;
}
