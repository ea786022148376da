import type { HealthDetails, ServiceInfo, TokenHealth, TokenInfo, VaultClient } from "@vault-proxy/client";

import { fail, ok, warn, type Finding } from "./finding.js";
import { shellWord } from "../shell-word.js";

const HOUR_MS = 3_600_000;
/** Of a token's life: its last part is when it is time for the next. */
const LAST_PART = 0.1;

export interface VaultCheckContext {
  readonly bin: string;
  /** What mends a token that is not good enough. */
  readonly tokenMend: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** What an unlocked vault tells a token. @throws VaultError */
export async function vaultFindings(client: VaultClient, context: VaultCheckContext): Promise<Finding[]> {
  const [services, accessTokens, { details }] = await Promise.all([
    client.listServices(),
    client.healthTokens(),
    client.healthDetails(),
  ]);
  return [
    ok("services", `${services.length} stored`),
    ...accessTokenFindings(accessTokens, context),
    ...serviceFindings(services, context),
    ...(details === undefined
      ? [warn("token", "not an admin's: tokens and the audit log were not looked at", context.tokenMend)]
      : [auditFinding(details.audit), ...tokenFindings(await client.listTokens(), context)]),
  ];
}

export function accessTokenFindings(
  accessTokens: readonly TokenHealth[],
  { bin }: VaultCheckContext,
): Finding[] {
  const expired = accessTokens.filter(({ token_status }) => token_status === "expired");
  if (expired.length === 0) {
    return accessTokens.length === 0 ? [] : [ok("access tokens", `${accessTokens.length} valid`)];
  }
  return expired.map(({ name }) =>
    fail("access tokens", `the login of ${name} has expired`, `${bin} service test ${name}, or log in again`),
  );
}

export function serviceFindings(services: readonly ServiceInfo[], { bin }: VaultCheckContext): Finding[] {
  return services.flatMap((service) => {
    const { name } = service;
    const found: Finding[] = (service.warnings ?? []).map((message) =>
      warn("service", `${name}: ${message}`),
    );
    if (service.auth_type === "ssh_key" && service.ssh_connected !== true) {
      found.push(
        warn(
          "host key",
          `${name} has none: whoever answers first is trusted`,
          `${bin} service host-key pin ${name} <key>`,
        ),
      );
    }
    if (service.tls_skip_verify) {
      found.push(
        warn(
          "tls",
          `${name} does not check certificates: anyone on the way can read its credential`,
          `store ${name} again with --tls-ca`,
        ),
      );
    }
    return found;
  });
}

export function auditFinding({ state }: HealthDetails["audit"]): Finding {
  if (state === "off") return warn("audit log", "it is off", "start vault-server without --audit off");
  if (state === "failing") {
    return fail("audit log", "it cannot be written: changes are refused", "make room in the data directory");
  }
  return ok("audit log", "it is written");
}

export function tokenFindings(tokens: readonly TokenInfo[], { bin, now }: VaultCheckContext): Finding[] {
  const suspended = tokens.filter(({ suspended_at }) => suspended_at !== undefined);
  // The admin's own sessions are short by intent.
  const soon = tokens.filter((token) => token.scope !== "admin" && endsSoon(token, now));
  const found = [
    ...suspended.map(({ id_prefix, name }) =>
      warn(
        "tokens",
        `${labelOf(id_prefix, name)} is suspended`,
        `${bin} audit list --token ${id_prefix.replace("...", "")}`,
      ),
    ),
    ...soon.map((token) =>
      warn(
        "tokens",
        `${labelOf(token.id_prefix, token.name)} expires at ${token.expires_at}`,
        nextToken(token, bin),
      ),
    ),
  ];
  return found.length === 0 ? [ok("tokens", `${tokens.length} valid, none ends soon`)] : found;
}

/** In the last tenth of its life, and in its last hour unless that is most of its life. */
function endsSoon({ created_at: created, expires_at: expires }: TokenInfo, now: number): boolean {
  const end = Date.parse(expires);
  const life = end - Date.parse(created);
  return end - now < Math.min(Math.max(life * LAST_PART, HOUR_MS), life / 2);
}

function nextToken({ name, policy }: TokenInfo, bin: string): string {
  const named = name === undefined ? "" : ` --name ${shellWord(name)}`;
  if (policy === undefined) return `${bin} token create${named}`;
  return typeof policy === "string"
    ? `${bin} token create${named} --policy ${policy}`
    : `${bin} token create${named}, with the rules that it has (\`token list --json\`)`;
}

function labelOf(prefix: string, name: string | undefined): string {
  return name === undefined ? prefix : `${name} (${prefix})`;
}
