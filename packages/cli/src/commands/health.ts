import type { TokenHealth } from "@vault-proxy/client";
import { Argument } from "commander";

import type { CommandContext } from "../command-context.js";
import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";
import { awaitedHealth, promptHealth } from "../prompt-health.js";
import { relativeTime } from "../relative-time.js";
import { timeText } from "../time-text.js";

export const configureHealth: ConfigureCommand = (command, perform) => {
  command.addArgument(
    new Argument("[of]", "tokens: the access tokens of services whose credential expires").choices([
      "tokens",
    ]),
  );
  command.option("--details", "show how the server does; an admin's token is needed");
  command.option("--wait <duration>", "wait so long, such as 30s, for a server that was just started");
  addExamples(
    command,
    "% health",
    "% health --wait 30s",
    "% health --details",
    "% health tokens",
    "% health --json",
  );
  command.action((of: "tokens" | undefined, options: HealthOptions) =>
    perform(async (context) => {
      if (options.wait !== undefined) await waitForServer(context, options.wait);
      if (options.details === true) await showDetails(context);
      else if (of === "tokens") await showTokens(context);
      else await showVault(context);
      return undefined;
    }),
  );
};

interface HealthOptions {
  readonly details?: true;
  readonly wait?: string;
}

async function waitForServer({ connect }: CommandContext, text: string): Promise<void> {
  // Most calls do not wait, and load nothing for it.
  const { parseDuration } = await import("../duration.js");
  await awaitedHealth(await connect("no token"), parseDuration(text));
}

async function showVault({ connect, output }: CommandContext): Promise<void> {
  const client = await connect("no token");
  const health = await promptHealth(client);
  if (output.json) output.data(health);
  else output.result(`vault: ${health.status}`);
  if (!health.initialized) output.note("There is no vault yet: the first unlock creates it.");
}

const NO_DETAILS = "details are shown to admins, while the vault is unlocked";

async function showDetails({ connect, output }: CommandContext): Promise<void> {
  const health = await (await connect("token")).healthDetails();
  if (output.json) {
    output.data(health);
    if (health.details === undefined) output.warn(NO_DETAILS);
    return;
  }
  output.result(`vault: ${health.status}`);
  if (health.details !== undefined) for (const line of detailLines(health.details)) output.result(line);
  else output.warn(NO_DETAILS);
}

/** One line a value, those of a group behind its name. */
function detailLines(details: object, group = ""): string[] {
  return Object.entries(details).flatMap(([name, value]: [string, unknown]) =>
    typeof value === "object" && value !== null
      ? detailLines(value, `${group}${name}.`)
      : [`${group}${name}: ${String(value)}`],
  );
}

async function showTokens({ connect, output }: CommandContext): Promise<void> {
  const tokens = await (await connect("token")).healthTokens();
  if (output.json) output.data(tokens);
  else if (tokens.length === 0) output.note("No service has a credential that expires.");
  else if (output.onTerminal) {
    const now = Date.now();
    await output.table(
      ["NAME", "AUTH", "STATUS", "EXPIRES"],
      tokens.map((token) => row(token, (time) => relativeTime(time, now))),
    );
  } else {
    for (const token of tokens) output.result(row(token).join(" ").trimEnd());
  }
}

function row(
  { name, auth_type, token_status, expires_at }: TokenHealth,
  shown = (time: string) => time,
): string[] {
  return [name, auth_type, token_status, expires_at === undefined ? "" : shown(timeText(expires_at))];
}
