import type { ServiceInfo, SessionProtocol, VaultClient } from "@vault-proxy/client";

import { CliError } from "../failures.js";
import { serviceAddress } from "../service-address.js";
import { probeSession } from "../session-probes/session-probe.js";
import type { CheckOutcome } from "./check-outcome.js";

/** Opens a session, logs in through it, and closes it. */
export async function checkSession(
  client: VaultClient,
  protocol: SessionProtocol,
  service: ServiceInfo,
): Promise<CheckOutcome> {
  try {
    await probeSession(client, protocol, service.name);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    const { message, hint } = error;
    return { ok: false, message, hint, data: { ok: false, error: message } };
  }
  return { ok: true, message: `ok (logged in to ${serviceAddress(service)})`, data: { ok: true } };
}
