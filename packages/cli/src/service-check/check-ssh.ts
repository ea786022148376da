import type { ServiceInfo, VaultClient } from "@vault-proxy/client";

import type { CommandContext } from "../command-context.js";
import { serviceAddress } from "../service-address.js";
import type { CheckOutcome } from "./check-outcome.js";

/** Runs `command` at the server. */
export async function checkSsh(
  { bin }: CommandContext,
  client: VaultClient,
  { name, ...service }: ServiceInfo,
  command: string,
): Promise<CheckOutcome> {
  let code: number;
  try {
    code = (await client.sshExec(name, command)).exit_code;
  } catch (error) {
    // Told by the list of allowed commands, before anything was connected to.
    if (service.ssh_allowed_commands === undefined || !isRefusal(error)) throw error;
    const message = "nothing was checked: only its allowed commands may run there";
    const hint = `name one of them: \`${bin} service test ${name} --command …\``;
    return { ok: false, message, hint, data: { ok: false, error: message } };
  }
  const { ssh_host_key_fingerprint: fingerprint } = await client.getService(name);
  // A server may give its own programs only: that it let the vault in is what was to be shown.
  const ran = code === 0 ? "" : `; \`${command}\` ended with exit code ${code}`;
  return {
    ok: true,
    message: `ok (logged in to ${serviceAddress({ name, ...service })}${ran})`,
    note: `Its host key: ${fingerprint ?? "unknown"}`,
    data: { ok: true, exit_code: code, host_key: fingerprint },
  };
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "forbidden";
}
