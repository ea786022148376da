import type { PolicyAction, PolicyQuestion } from "@vault-proxy/client";
import { Option } from "commander";

import type { ConfigureCommand } from "../command-definition.js";
import { UsageError } from "../failures.js";
import { addExamples } from "../help-examples.js";
import { isPolicyFile, readPolicyContent } from "../policies/policy-source.js";

interface PolicyTestOptions {
  readonly action?: PolicyAction;
  readonly command?: string;
  readonly remotePath?: string;
}

export const configurePolicyTest: ConfigureCommand = (command, perform) => {
  command
    .argument("<policy>", "name of a policy, or a file with one")
    .argument("<words...>", "METHOD service path; with --action the service alone")
    .addOption(
      new Option("--action <action>", "ask of SSH, or of a session").choices([
        "exec",
        "upload",
        "download",
        "session",
      ]),
    )
    .option("--command <command>", "of exec: the whole command")
    .option("--remote-path <path>", "of upload and download: the file");
  command.addHelpText("after", "\nNothing is called. Exits with 1 if it is denied.");
  addExamples(
    command,
    "% policy test triage-bot GET github /repos/acme/app",
    "% policy test ./new.yaml DELETE github /repos/acme/app",
    '% policy test triage-bot prod --action exec --command "docker ps"',
  );
  command.action((argument: string, words: string[], options: PolicyTestOptions) =>
    perform(async (context) => {
      const question = questionOf(words, options);
      const policy = isPolicyFile(argument) ? await readPolicyContent(context, argument) : argument;
      const verdict = await (await context.connect("token")).testPolicy(policy, question);
      if (context.output.json) context.output.data(verdict);
      else if (verdict.allowed) context.output.prose(`allowed by ${verdict.rule ?? "a rule"}`);
      else context.output.prose(`denied: ${verdict.reason ?? "no rule allows it"}`);
      return verdict.allowed ? undefined : 1;
    }),
  );
};

function questionOf(words: readonly string[], options: PolicyTestOptions): PolicyQuestion {
  const { action, command, remotePath } = options;
  const [first = "", service = "", path = ""] = words;
  if (action === undefined) {
    if (words.length !== 3) throw new UsageError("a call is METHOD, service and path");
    return { service, method: first.toUpperCase(), path };
  }
  if (words.length !== 1) throw new UsageError("with --action only the service is named");
  switch (action) {
    case "session":
      return { service: first, action };
    case "exec":
      if (command === undefined) throw new UsageError("exec needs --command");
      return { service: first, action, command };
    case "upload":
    case "download":
      if (remotePath === undefined) throw new UsageError(`${action} needs --remote-path`);
      return { service: first, action, remote_path: remotePath };
  }
}
