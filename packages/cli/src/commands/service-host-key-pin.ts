import { text } from "node:stream/consumers";

import type { ConfigureCommand } from "../command-definition.js";
import { UsageError } from "../failures.js";
import { addExamples } from "../help-examples.js";
import { chooseHostKey } from "../ssh/host-key-lines.js";

export const configureServiceHostKeyPin: ConfigureCommand = (command, perform) => {
  command
    .argument("<service>", "name of a service of type ssh_key")
    .argument("[key...]", "the key or its fingerprint; without, or with -, read from standard input");
  command.addHelpText(
    "after",
    "\nA key is `ssh-ed25519 AAAA…`, as it stands in a .pub or known_hosts file, or what ssh-keyscan prints. What the\n" +
      "network says of itself proves nothing: compare its fingerprint with what the server's administrator tells.",
  );
  addExamples(
    command,
    "% service host-key pin box SHA256:uNiVztksCsDhcc0u9e8BrdGqZGmvK5mRyAjCk0FhPDE",
    "% service host-key pin box < /etc/ssh/ssh_host_ed25519_key.pub",
    "ssh-keyscan box.example.com | % service host-key pin box",
  );
  command.action((name: string, words: readonly string[]) =>
    perform(async ({ connect, output, stdin }) => {
      const given = words.join(" ").trim();
      const chosen = chooseHostKey(given === "" || given === "-" ? await text(stdin) : given);
      if (chosen === undefined) throw new UsageError("no host key was given");
      const service = await (await connect("token")).setHostKey(name, chosen.line);
      if (output.json) {
        output.data(service);
        return undefined;
      }
      output.confirm(`Host key of ${name} pinned: ${service.ssh_host_key_fingerprint ?? ""}`);
      if (chosen.count > 1) {
        output.note(`It is one of the ${chosen.count} that were given; the others are not trusted.`);
      }
      return undefined;
    }),
  );
};
