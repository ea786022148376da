import type { TokenKeeper } from "./auth-strategies/token-keeper.js";
import type { ServiceRecord } from "./auth-strategies/service-definition.js";
import type { Authorizer } from "./authorization/authorizer.js";
import type { UseKeeper } from "./authorization/use-keeper.js";
import type { CookieJars } from "./data-plane/cookie-jars.js";
import type { InFlightCalls } from "./data-plane/in-flight-calls.js";
import type { OutboundGuard } from "./data-plane/outbound-guard.js";
import type { ServiceRoutes } from "./data-plane/service-routes.js";
import { VaultProxyError } from "./errors/vault-proxy-error.js";
import type { ServerMetrics } from "./metrics/server-metrics.js";
import type { Logins } from "./oauth2-flow/logins.js";
import type { ServerAudit } from "./server-audit.js";
import type { SshCalls } from "./ssh/ssh-calls.js";
import type { SshConnections } from "./ssh/ssh-connections.js";
import type { SshKeys } from "./ssh/ssh-keys.js";
import type { SessionRegistry } from "./tcp-sessions/session-registry.js";
import type { ExpiryWatch } from "./tokens/expiry-watch.js";
import type { TokenRecord } from "./tokens/token-record.js";
import type { Collection } from "./vault/collection.js";
import type { Vault } from "./vault/vault.js";

/** Whatever has something of the vault's contents, or lives by them. */
export interface VaultFollowers {
  readonly vault: Vault;
  readonly services: Collection<ServiceRecord>;
  readonly tokenRecords: Collection<TokenRecord>;
  readonly audit: ServerAudit;
  readonly metrics: ServerMetrics;
  readonly logins: Logins;
  readonly calls: InFlightCalls;
  readonly sessions: SessionRegistry;
  readonly ssh: SshCalls;
  readonly sshConnections: SshConnections;
  readonly sshKeys: SshKeys;
  readonly uses: UseKeeper;
  readonly expiryWatch: ExpiryWatch;
  readonly routes: ServiceRoutes;
  readonly accessTokens: TokenKeeper;
  readonly cookieJars: CookieJars;
  readonly outboundGuard: OutboundGuard;
  readonly authorizer: Authorizer;
}

/** Tells all parts of an unlock, a lock and every change: after a lock none of them holds, or uses, anything of the vault. */
export function followVault(parts: VaultFollowers): void {
  const { vault, services, tokenRecords, audit, metrics, accessTokens, outboundGuard, expiryWatch } = parts;
  vault.subscribe((event) => {
    if (event.type === "locked") {
      forgetAll(parts);
      return;
    }
    if (event.type === "unlocked") {
      audit.unlocked(services.records);
      metrics.servicesChanged();
      expiryWatch.update(tokenRecords.records.values());
      accessTokens.update(services.records);
      outboundGuard.update(services.records);
      return;
    }
    const { collections } = event;
    if (collections.has("tokens")) expiryWatch.update(tokenRecords.records.values());
    if (collections.has("policies") || collections.has("tokens")) parts.authorizer.refresh();
    // Whatever could be saved: there is room again.
    void accessTokens.saveAgain();
    if (collections.has("files")) parts.sshConnections.retireKeys();
    if (collections.has("services")) followServices(parts);
  });
}

function forgetAll(parts: VaultFollowers): void {
  const reason = new VaultProxyError("vault_locked", "the vault was locked");
  parts.audit.locked();
  parts.logins.clear(reason);
  parts.calls.end(() => true, reason);
  parts.sessions.end(() => true, reason);
  parts.sshConnections.destroyAll(reason);
  parts.sshKeys.clear();
  parts.uses.clear();
  parts.expiryWatch.clear();
  parts.routes.destroyAll(reason);
  parts.accessTokens.clear();
  parts.cookieJars.clear();
  parts.outboundGuard.clear();
}

function followServices(parts: VaultFollowers): void {
  const { records } = parts.services;
  parts.metrics.servicesChanged();
  parts.audit.servicesChanged(records);
  parts.accessTokens.update(records);
  parts.cookieJars.update(records);
  parts.routes.refresh();
  parts.sessions.refresh(records);
  parts.sshConnections.refresh(records);
  parts.ssh.refresh(records);
  parts.outboundGuard.update(records);
  parts.calls.end(
    (call) => !records.has(call.serviceName),
    new VaultProxyError("not_found", "this service was deleted"),
  );
}
