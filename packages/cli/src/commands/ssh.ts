import type { ConfigureCommand } from "../command-definition.js";
import { parseDuration } from "../duration.js";
import { UsageError } from "../failures.js";
import { addExamples } from "../help-examples.js";
import { runRemoteCommand } from "../ssh/remote-command.js";

interface SshFlags {
  readonly timeout?: string;
  readonly stdin?: boolean;
}

const MAX_SECONDS = 300;

export const configureSsh: ConfigureCommand = (command, perform) => {
  command
    .usage("[options] <service> [command...]")
    .argument("<service>", "name of a service of type ssh_key")
    .argument("[command...]", "what to run, words and options; without: a terminal")
    .option("--timeout <duration>", "what the command may take: 30s by default, 300s at most")
    .option("--stdin", "the command reads standard input, 700 KiB at most; otherwise it gets none");
  command.addHelpText(
    "after",
    "\nEverything after the service is the command, joined by spaces, and read by the server's shell: quote it twice, as\n" +
      "for ssh. Its output comes as it is, standard output and standard error apart, and its exit code is this one's.\n" +
      "Exit code 1 with a line that begins with `error:` says that the call failed, 2 that it was written wrongly.\n" +
      "Where the service has a list of allowed commands, nothing of a shell's own syntax is taken.",
  );
  addExamples(
    command,
    "% ssh box uptime",
    "% ssh box 'cd /srv/app && git pull'",
    "% ssh --timeout 5m box docker compose up -d",
    "% ssh --stdin db psql orders < report.sql",
    "% ssh --json box df -h",
    "% ssh box                               # a terminal",
  );
  command.action((service: string, words: readonly string[], flags: SshFlags) =>
    perform(async (context) => {
      // `ssh box -- ls`: the dashes end the options of this program, which end with the service anyway.
      const own = words[0] === "--" ? words.slice(1) : words;
      const timeout = flags.timeout === undefined ? undefined : seconds(flags.timeout);
      if (own.length === 0) {
        if (timeout !== undefined || flags.stdin === true) throw new UsageError("no command was given");
        const { openTerminal } = await import("../ssh-terminal/open-terminal.js");
        return openTerminal(context, service);
      }
      const line = own.join(" ");
      if (line.trim() === "") throw new UsageError("the command is empty");
      return runRemoteCommand(context, { service, command: line, timeout, takesInput: flags.stdin === true });
    }),
  );
};

function seconds(duration: string): number {
  const wanted = parseDuration(duration) / 1000;
  if (wanted > 0 && wanted <= MAX_SECONDS) return wanted;
  throw new UsageError(`--timeout must be above 0 and at most ${MAX_SECONDS}s`);
}
