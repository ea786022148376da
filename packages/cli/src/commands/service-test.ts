import type { ServiceInfo, VaultClient } from "@vault-proxy/client";

import type { ConfigureCommand } from "../command-definition.js";
import type { CommandContext } from "../command-context.js";
import { CliError, UsageError } from "../failures.js";
import { addExamples } from "../help-examples.js";
import { loadPresets } from "../presets/preset-catalogue.js";
import { presetOf } from "../presets/service-preset.js";
import { checkByPreset, checkPath, presetTest } from "../service-check/check-call.js";
import type { CheckOutcome } from "../service-check/check-outcome.js";
import { isSessionType } from "../session-types/registry.js";

interface TestFlags {
  readonly path?: string;
  readonly command?: string;
}

export const configureServiceTest: ConfigureCommand = (command, perform) => {
  command
    .argument("<name>", "name of the service")
    .option("-p, --path <path>", "what to GET; default: the preset's test call, else /")
    .option("-c, --command <command>", "of type ssh_key: what to run, by default `true`");
  command.addHelpText(
    "after",
    "\nOf an API that a preset knows: a call that needs the credential, and what its answer means. Of another: best name\n" +
      "a path that needs the credential.\n" +
      "Of a mail server or a database: a session is opened, logged in through, and closed again. Of a server that is\n" +
      "reached by SSH: `true` is run there, which does nothing. Where it is not among the allowed commands, name one of\n" +
      "these by --command: without running one, nothing can be told of the server. Exits with 1 if the service does not answer as it should.",
  );
  addExamples(
    command,
    "% service test openai",
    "% service test internal --path /me",
    "% service test orders",
    "% service test box --command uptime",
  );
  command.action((name: string, flags: TestFlags) =>
    perform(async (context) => {
      const client = await context.connect("token");
      const service = await client.getService(name).catch(unlessNobodyMayAsk);
      const type = service?.auth_type ?? "";
      if (flags.command !== undefined && type !== "ssh_key") {
        throw new UsageError("--command is for services of type ssh_key");
      }
      if (flags.path !== undefined && (type === "ssh_key" || isSessionType(type))) {
        throw new UsageError(`--path is for services of HTTP calls, not of ${type}`);
      }
      return tell(context, name, await check(context, client, name, service, flags));
    }),
  );
};

/** What else is wrong with a vault that does not tell, the test itself tells: but of a service, not of the session. */
function unlessNobodyMayAsk(error: unknown): undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "unauthorized" || code === "vault_locked") throw error;
}

async function check(
  context: CommandContext,
  client: VaultClient,
  name: string,
  service: ServiceInfo | undefined,
  { path, command = "true" }: TestFlags,
): Promise<CheckOutcome> {
  const type = service?.auth_type ?? "";
  if (service !== undefined && type === "ssh_key") {
    const { checkSsh } = await import("../service-check/check-ssh.js");
    return checkSsh(context, client, service, command);
  }
  if (service !== undefined && isSessionType(type)) {
    const { checkSession } = await import("../service-check/check-session.js");
    return checkSession(client, type, service);
  }
  const known =
    service === undefined || path !== undefined ? undefined : await presetOf(await loadPresets(), service);
  const test = known === undefined ? undefined : presetTest(known);
  return known === undefined || test === undefined
    ? checkPath(context, client, name, path ?? "/")
    : checkByPreset(context, client, name, known, test);
}

function tell({ output }: CommandContext, name: string, outcome: CheckOutcome): number | undefined {
  if (output.json) output.data(outcome.data);
  else if (!outcome.ok) throw new CliError(`${name}: ${outcome.message}`, outcome.hint);
  else {
    output.prose(`${name}: ${outcome.message}`);
    if (outcome.note !== undefined) output.note(outcome.note);
  }
  return outcome.ok ? undefined : 1;
}
