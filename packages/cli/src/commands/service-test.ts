import type { ConfigureCommand } from "../command-definition.js";
import { CliError } from "../failures.js";
import { addExamples } from "../help-examples.js";

export const configureServiceTest: ConfigureCommand = (command, perform) => {
  command
    .argument("<name>", "name of the service")
    .option("-p, --path <path>", "what to GET; best a path that needs the credential", "/");
  addExamples(command, "% service test openai", "% service test openai --path /v1/models");
  command.action((name: string, options: { readonly path: string }) =>
    perform(async ({ bin, connect, output }) => {
      const test = await (await connect("token")).testService(name, options.path);
      if (output.json) output.data(test);
      else if (test.ok) output.result(`${name}: ok (HTTP ${test.status})`);
      else if (test.code === "vault_locked") throw new CliError("vault is locked", `run \`${bin} unlock\``);
      else throw new CliError(`${name}: ${test.error ?? `HTTP ${test.status}`}`);
      return test.ok ? undefined : 1;
    }),
  );
};
