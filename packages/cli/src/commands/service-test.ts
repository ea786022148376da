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
  readonly command?: string;
}

export const configureServiceTest: ConfigureCommand = (command, perform) => {
  command
    .argument("<name>", "name of the service")
    .option("-p, --path <path>", "what to GET, by default /; best a path that needs the credential")
    .option("-c, --command <command>", "of type ssh_key: what to run, by default `true`");
  command.addHelpText(
    "after",
    "\nOf a mail server or a database: a session is opened, logged in through, and closed again. Of a server that is\n" +
      "reached by SSH: `true` is run there, which does nothing. Where it is not among the allowed commands, name one of\n" +
      "these by --command: without running one, nothing can be told of the server.",
  );
  addExamples(
    command,
    "% service test openai",
    "% service test openai --path /v1/models",
    "% service test orders",
    "% service test box --command uptime",
  );
  command.action((name: string, flags: TestFlags) =>
    perform(async (context) => {
      const client = await context.connect("token");
      // What is wrong with a vault that does not tell, the test itself tells.
      const service = await client.getService(name).catch(() => undefined);
      const type = service?.auth_type ?? "";
      if (flags.command !== undefined && type !== "ssh_key") {
        throw new UsageError("--command is for services of type ssh_key");
      }
      if (service !== undefined && type === "ssh_key") return testSsh(context, client, service, flags);
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
    return tellFailure(output, name, error.message, error.hint);
  }
  if (output.json) output.data({ ok: true });
  else output.result(`${name}: ok (logged in to ${serviceAddress(service)})`);
  return undefined;
}

async function testSsh(
  { bin, output }: CommandContext,
  client: VaultClient,
  service: ServiceInfo,
  { path, command = "true" }: TestFlags,
): Promise<number | undefined> {
  const { name, ssh_allowed_commands: allowed } = service;
  if (path !== undefined) throw new UsageError("--path is for services of HTTP calls, not of ssh_key");
  let code: number;
  try {
    code = (await client.sshExec(name, command)).exit_code;
  } catch (error) {
    // Told by the list of allowed commands, before anything was connected to.
    if (allowed === undefined || !isRefusal(error)) throw error;
    const hint = `name one of them: \`${bin} service test ${name} --command …\``;
    return tellFailure(output, name, "nothing was checked: only its allowed commands may run there", hint);
  }
  const { ssh_host_key_fingerprint: fingerprint } = await client.getService(name);
  if (output.json) output.data({ ok: true, exit_code: code, host_key: fingerprint });
  else {
    // A server may give its own programs only: that it let the vault in is what was to be shown.
    const ran = code === 0 ? "" : `; \`${command}\` ended with exit code ${code}`;
    output.result(`${name}: ok (logged in to ${serviceAddress(service)}${ran})`);
    output.note(`Its host key: ${fingerprint ?? "unknown"}`);
  }
  return undefined;
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "forbidden";
}

function tellFailure(output: CommandContext["output"], name: string, message: string, hint?: string): number {
  if (!output.json) throw new CliError(`${name}: ${message}`, hint);
  output.data({ ok: false, error: message });
  return 1;
}
