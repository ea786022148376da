import type { ServiceInfo, SessionProtocol, VaultClient } from "@vault-proxy/client";

import type { ConfigureCommand } from "../command-definition.js";
import type { CommandContext } from "../command-context.js";
import { CliError, UsageError } from "../failures.js";
import { addExamples } from "../help-examples.js";
import { serviceAddress } from "../service-address.js";
import { probeSession } from "../session-probes/session-probe.js";
import { isSessionType } from "../session-types/registry.js";

interface TestFlags {
  readonly path?: string;
}

export const configureServiceTest: ConfigureCommand = (command, perform) => {
  command
    .argument("<name>", "name of the service")
    .option("-p, --path <path>", "what to GET, by default /; best a path that needs the credential");
  command.addHelpText(
    "after",
    "\nOf a mail server or a database: a session is opened, logged in through, and closed again.",
  );
  addExamples(
    command,
    "% service test openai",
    "% service test openai --path /v1/models",
    "% service test orders",
  );
  command.action((name: string, flags: TestFlags) =>
    perform(async (context) => {
      const client = await context.connect("token");
      // What is wrong with a vault that does not tell, the test itself tells.
      const service = await client.getService(name).catch(() => undefined);
      const type = service?.auth_type ?? "";
      return service !== undefined && isSessionType(type)
        ? testSession(context, client, type, service, flags)
        : testCall(context, client, name, flags);
    }),
  );
};

async function testCall(
  { bin, output }: CommandContext,
  client: VaultClient,
  name: string,
  { path = "/" }: TestFlags,
): Promise<number | undefined> {
  const test = await client.testService(name, path);
  if (output.json) output.data(test);
  else if (test.ok) output.result(`${name}: ok (HTTP ${test.status})`);
  else if (test.code === "vault_locked") throw new CliError("vault is locked", `run \`${bin} unlock\``);
  else throw new CliError(`${name}: ${test.error ?? `HTTP ${test.status}`}`);
  return test.ok ? undefined : 1;
}

async function testSession(
  { output }: CommandContext,
  client: VaultClient,
  protocol: SessionProtocol,
  service: ServiceInfo,
  { path }: TestFlags,
): Promise<number | undefined> {
  const { name } = service;
  if (path !== undefined) throw new UsageError(`--path is for services of HTTP calls, not of ${protocol}`);
  try {
    await probeSession(client, protocol, name);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    if (!output.json) throw new CliError(`${name}: ${error.message}`, error.hint);
    output.data({ ok: false, error: error.message });
    return 1;
  }
  if (output.json) output.data({ ok: true });
  else output.result(`${name}: ok (logged in to ${serviceAddress(service)})`);
  return undefined;
}
