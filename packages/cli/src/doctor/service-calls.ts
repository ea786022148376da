import type { ServiceInfo, ServiceTest, VaultClient } from "@vault-proxy/client";

import type { PresetCatalogue } from "../presets/preset-catalogue.js";
import { presetOf } from "../presets/service-preset.js";
import { probeSession } from "../session-probes/session-probe.js";
import { hintFor } from "../service-check/check-call.js";
import { isSessionType } from "../session-types/registry.js";
import { fail, ok, warn, type Finding } from "./finding.js";
import { reasonText } from "../failures.js";

/** Services that are called at a time. */
const AT_ONCE = 4;
const CALL_TIMEOUT_MS = 20_000;

/** Calls each service once, as `service test` does. */
export async function serviceCallFindings(
  client: VaultClient,
  services: readonly ServiceInfo[],
  catalogue: PresetCatalogue,
  bin: string,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const waiting = services.map((service, index) => ({ service, index }));
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      findings[next.index] = await callFinding(client, next.service, catalogue, bin);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return findings;
}

async function callFinding(
  client: VaultClient,
  service: ServiceInfo,
  catalogue: PresetCatalogue,
  bin: string,
): Promise<Finding> {
  const { name, auth_type } = service;
  const check = `service ${name}`;
  try {
    if (isSessionType(auth_type)) {
      await probeSession(client, auth_type, name);
      return ok(check, "logged in");
    }
    if (auth_type === "ssh_key") {
      await client.sshExec(name, "true", { timeoutMs: CALL_TIMEOUT_MS });
      return ok(check, "logged in");
    }
    const path = await testPath(service, catalogue);
    const test = await client.testService(name, path ?? "/", { timeoutMs: CALL_TIMEOUT_MS });
    if (!test.ok) return fail(check, test.error ?? `HTTP ${test.status}`, mendOf(test, name, bin));
    return path === undefined && test.status >= 400
      ? warn(
          check,
          `answers with HTTP ${test.status}: its credential was not shown to work`,
          `${bin} service test ${name} --path …`,
        )
      : ok(check, `HTTP ${test.status}`);
  } catch (error) {
    const message = reasonText(error);
    return fail(check, message, `${bin} service test ${name}`);
  }
}

/** What `service test` would say is of no use where it says no more than is told here. */
function mendOf({ code, status }: ServiceTest, name: string, bin: string): string {
  const isRefused = code === undefined && (status === 401 || status === 407);
  return isRefused ? `${bin} service update ${name}` : (hintFor(code, bin) ?? `${bin} service test ${name}`);
}

/** The path that its preset knows to need the credential. */
async function testPath(service: ServiceInfo, catalogue: PresetCatalogue): Promise<string | undefined> {
  const known = await presetOf(catalogue, service);
  const test = known?.preset.test;
  if (known === undefined || test?.method !== "GET" || test.path.includes("{")) return undefined;
  return known.prefix + test.path;
}
