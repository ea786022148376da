import type { SessionProtocol } from "@vault-proxy/client";

import type { ConfigureCommand } from "../command-definition.js";
import type { CommandContext } from "../command-context.js";
import { connectionCount } from "../connection-count.js";
import { parseDuration } from "../duration.js";
import { UsageError } from "../failures.js";
import { addExamples } from "../help-examples.js";
import { runWithSession } from "./session-command.js";
import { sessionVariables } from "./session-variables.js";

interface SessionFlags {
  readonly timeout?: string;
  readonly maxConnections?: number;
  readonly requirePassword?: boolean;
  readonly idleTimeout?: string;
  readonly url?: boolean;
  readonly env?: boolean;
  readonly exec?: boolean;
}

const EXAMPLES: Readonly<Record<SessionProtocol, readonly string[]>> = {
  postgres: [
    "% postgres orders                       # 127.0.0.1:40123, for one client within 30 s",
    'psql "$(% postgres orders --url)"',
    "% postgres orders --exec -- psql -c 'select 1'",
    'eval "$(% postgres orders --max-connections 10 --timeout 1h --env)"; npm run dev',
  ],
  redis: [
    "% redis cache",
    'redis-cli -u "$(% redis cache --url)"',
    "% redis cache --exec -- sh -c 'redis-cli -u \"$REDIS_URL\" ping'",
  ],
  imap: [
    "% imap mail",
    'curl --url "$(% imap mail --url)/INBOX?ALL"',
    "% imap mail --exec -- python3 read.py",
  ],
  smtp: ["% smtp mail", "% smtp mail --timeout 2m --url", "% smtp mail --exec -- node send.mjs"],
};

/** `vault-cli imap|smtp|redis|postgres <service>`. */
export function configureSessionOpen(protocol: SessionProtocol): ConfigureCommand {
  return (command, perform) => {
    command
      .argument("<service>", `name of a service of type ${protocol}`)
      .argument("[command...]", "with --exec: what to run, after --")
      .option(
        "--timeout <duration>",
        "how long it waits for its client, 300s at most; with several, how long it lives, 24h at most (default: 30s)",
      )
      .option(
        "--max-connections <number>",
        "1: one client in all; more: so many at a time (default: 1, or the service's own)",
        connectionCount,
      )
      .option("--require-password", "make a password that clients must log in with")
      .option(
        "--idle-timeout <duration>",
        "close a connection on which nothing moved for so long, such as 10m (default: the service's own, or never)",
      )
      .option("--url", "print the URL that client libraries take")
      .option("--env", "print variables for a shell to eval")
      .option("--exec", "run a command with these variables, and end the session with it");
    command.addHelpText(
      "after",
      "\nPrints where to connect. Clients may log in with any name and password, unless one is required: then it is printed\n" +
        "too. Only this user's processes can connect. With --exec the exit code is the command's own.",
    );
    addExamples(command, ...EXAMPLES[protocol]);
    command.action((service: string, words: readonly string[], flags: SessionFlags) =>
      perform((context) => open(context, protocol, service, words, flags)),
    );
  };
}

async function open(
  context: CommandContext,
  protocol: SessionProtocol,
  service: string,
  words: readonly string[],
  flags: SessionFlags,
): Promise<number | undefined> {
  const { output } = context;
  const forms = [flags.url, flags.env, flags.exec].filter(Boolean).length;
  if (forms > 1) throw new UsageError("use one of --url, --env and --exec");
  const [program, ...args] = words;
  if (flags.exec === true && program === undefined)
    throw new UsageError("--exec needs a command", "write it after --: --exec -- psql");
  if (flags.exec !== true && program !== undefined)
    throw new UsageError("a command was given without --exec", "write --exec before the --");
  const options = {
    timeout: flags.timeout === undefined ? undefined : seconds(flags.timeout),
    maxConnections: flags.maxConnections,
    requirePassword: flags.requirePassword,
    idleTimeout: flags.idleTimeout,
  };
  const client = await context.connect("token");
  if (program !== undefined) {
    return runWithSession({ client, protocol, service, options, program, args, env: context.env, output });
  }
  const info = await client.getService(service);
  const session = await client.session(protocol, service, options);
  if (output.json) {
    output.data(session);
    return undefined;
  }
  if (flags.url === true) output.result(session.url);
  else if (flags.env === true) {
    for (const [name, value] of Object.entries(sessionVariables(protocol, session, info)))
      output.result(`export ${name}=${shellQuoted(value)}`);
  } else {
    output.result(session.addr);
    if (session.username !== undefined) output.result(`username: ${session.username}`);
    if (session.password !== undefined) output.result(`password: ${session.password}`);
  }
  const own = typeof info.max_connections === "number" ? info.max_connections : 1;
  output.note(promise(flags.maxConnections ?? own, session.expires_at));
  return undefined;
}

function promise(maxConnections: number, expiresAt: string): string {
  const time = new Date(expiresAt).toLocaleTimeString("en-GB");
  return maxConnections === 1
    ? `Good for one client that connects before ${time}.`
    : `Good for ${maxConnections} clients at a time until ${time}.`;
}

function seconds(duration: string): number {
  const whole = Math.ceil(parseDuration(duration) / 1000);
  if (whole < 1) throw new UsageError("--timeout must be at least 1s");
  return whole;
}

/** For POSIX shells: within single quotes every character but the quote stands for itself. */
function shellQuoted(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}
