import type { ConfigureCommand } from "../command-definition.js";
import { CliError } from "../failures.js";
import { addExamples } from "../help-examples.js";

export const configureServiceHostKeyShow: ConfigureCommand = (command, perform) => {
  command.argument("<service>", "name of a service of type ssh_key");
  addExamples(command, "% service host-key show box");
  command.action((name: string) =>
    perform(async ({ bin, connect, output }) => {
      const service = await (await connect("token")).getService(name);
      if (service.auth_type !== "ssh_key") {
        throw new CliError(`${name} is of type ${service.auth_type}: it has no host key`);
      }
      const { ssh_host_key: hostKey, ssh_host_key_fingerprint: fingerprint } = service;
      if (fingerprint === undefined) {
        const way = `the first connection's will be, unless you pin one before by \`${bin} service host-key pin ${name}\``;
        throw new CliError(`no host key of ${name} is kept yet`, way);
      }
      if (output.json) {
        output.data({ service: name, fingerprint, host_key: hostKey });
        return undefined;
      }
      output.result(fingerprint);
      if (hostKey !== undefined && hostKey !== fingerprint) output.result(hostKey);
      return undefined;
    }),
  );
};
