import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { IncomingMessage, Server } from "node:http";
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import { createTokenRequester } from "./auth-strategies/oauth2/token-endpoint.js";
import { createTokenKeeper } from "./auth-strategies/token-keeper.js";
import type { IssuingTools } from "./auth-strategies/auth-strategy.js";
import type { ServiceRecord } from "./auth-strategies/service-definition.js";
import { createAuthorizer, type StoredPolicy } from "./authorization/authorizer.js";
import { createUseKeeper } from "./authorization/use-keeper.js";
import type { ServerConfig } from "./config/server-config.js";
import { createChunkCollector } from "./data-plane/chunk-collector.js";
import { maxConnectionsWithin } from "./data-plane/connection-cap.js";
import { createCookieJars } from "./data-plane/cookie-jars.js";
import { countConnections } from "./data-plane/connection-count.js";
import { createHttpListener, type HttpListenerParts } from "./data-plane/http-listener.js";
import { createInFlightCalls } from "./data-plane/in-flight-calls.js";
import { createOutboundGuard } from "./data-plane/outbound-guard.js";
import { createProxyPipeline } from "./data-plane/proxy-pipeline.js";
import { createServiceRoutes } from "./data-plane/service-routes.js";
import { VaultProxyError } from "./errors/vault-proxy-error.js";
import { SESSION_DRIVERS } from "./protocols/registry.js";
import { createPeerCheck } from "./tcp-sessions/peer-check.js";
import { assertSessionAddress } from "./tcp-sessions/session-port.js";
import { createServiceConnector } from "./ssh/connect-service.js";
import { createSshCalls } from "./ssh/ssh-calls.js";
import { createSshKeys } from "./ssh/ssh-keys.js";
import { createSshConnections } from "./ssh/ssh-connections.js";
import { createSessionLog } from "./session-log.js";
import { createSessionRegistry } from "./tcp-sessions/session-registry.js";
import { createControlPlane } from "./http-api/app.js";
import { createShellUpgrades } from "./http-api/ssh-session-upgrade.js";
import { createBoundedSender } from "./network/bounded-request.js";
import { createBrowserGuard } from "./network/browser-guard.js";
import { readTcpTable, shareReads } from "./network/peer-user.js";
import { createLogins } from "./oauth2-flow/logins.js";
import { describeThrown, type Logger } from "./redaction/logger.js";
import type { Secret } from "./redaction/secret.js";
import { clientAddress, requestAddress } from "./request-address.js";
import { OutboundScan } from "./scrubbing/outbound-scan.js";
import { createOutboundSecrets } from "./scrubbing/outbound-secrets.js";
import { createSeededBytes } from "./scrubbing/seeded-bytes.js";
import {
  callerKey,
  incomingOf,
  PASSWORD_FILE_CALLER,
  UNIX_SOCKET_CALLER,
  userIdOf,
  userOfCaller,
} from "./request-caller.js";
import { importService } from "./imported-services.js";
import { createRefreshReports } from "./refresh-reports.js";
import { countRecords } from "./counted-records.js";
import { createServerMetrics } from "./metrics/server-metrics.js";
import { followVault } from "./follow-vault.js";
import { openServerAudit } from "./server-audit.js";
import type { ServerWorkers } from "./server-workers.js";
import { every, runLater } from "./timers.js";
import { observeServer } from "./server-state.js";
import { readTlsFiles } from "./start-up-files.js";
import type { TokenRecord } from "./tokens/token-record.js";
import { createExpiryWatch } from "./tokens/expiry-watch.js";
import { createTokenRegistry } from "./tokens/token-registry.js";
import { unlockAtStart } from "./unlock-at-start.js";
import { openVault, type Vault } from "./vault/vault.js";

/** How long a stop waits for refreshes under way. */
const SETTLE_MS = 5000;

/** How long a lock and a stop wait for saves of tokens that have come, also of those that could not be saved before. */
const SAVE_BEFORE_LOCK_MS = 1000;

/** How late what runs may be ended when the time of its policy is over. */
const REFRESH_GRANTS_MS = 500;

/** Of Linux. */
const PROCESS_LIMITS = "/proc/self/limits";

const SCAN_SEED_BYTES = 32;

/** The contract promises 1,024 at least. */
const MAX_CALLS_PER_TOKEN = 4096;

export interface VaultServer {
  /** Lets no more clients into sessions; resolves when the last session is over. */
  drainSessions(): Promise<void>;
  /** Ends all shells, and opens no more. */
  endShells(): void;
  /** Ends all calls that still run, other than shells, for the reason that the audit gives. */
  endCalls(): void;
  readonly vault: Vault;
  /** Not listening yet. With workers it never does: their door does. */
  readonly listener: Server;
  /** Undefined where this process makes all calls itself. */
  readonly workers: ServerWorkers | undefined;
  /** @throws {VaultProxyError} as {@link Vault.unlock} */
  unlockAtStart(password: Secret): Promise<void>;
  /** Locks the vault, ends what still runs, and gives the data directory free. */
  close(signal?: string): Promise<void>;
}

/** The only place where parts are made and given to each other. */
export async function createServer(config: ServerConfig, version: string, log: Logger): Promise<VaultServer> {
  const now = (): number => performance.now();
  const metrics = createServerMetrics({
    ...{ version, every, now },
    hasService: (name) => vault.status === "unlocked" && services.records.has(name),
  });
  const { calls: callMetrics, events: eventMetrics } = metrics;
  await assertSessionAddress(config.sessions);
  const tls = config.tls === undefined ? undefined : await readTlsFiles(config.tls);
  const maxConnections = maxConnectionsWithin(await readFile(PROCESS_LIMITS, "utf8").catch(() => undefined));
  const vault = await openVault({
    dataDir: config.dataDir,
    log,
    slowedCallers: new Set([
      ...[callerKey(0), callerKey(process.getuid?.())],
      ...[UNIX_SOCKET_CALLER, PASSWORD_FILE_CALLER],
    ]),
    importService: (name, json) => importService(name, json, log),
    onSave: (outcome, milliseconds) => eventMetrics.saved(outcome, milliseconds / 1000),
  });
  const onRecord = countRecords(callMetrics, eventMetrics);
  const audit = await openServerAudit(config, { vault, version, log, onRecord }).catch(
    async (error: unknown) => {
      await vault.close();
      throw error;
    },
  );
  const services = vault.collection<ServiceRecord>("services");
  const calls = createInFlightCalls();
  const tokenRecords = vault.collection<TokenRecord>("tokens");
  const tokens = createTokenRegistry({
    store: tokenRecords,
    randomBytes,
    clock: Date.now,
    onRevoked: (record) => endAllOf(record, new VaultProxyError("unauthorized", "this token was revoked")),
    onSuspended(record, descendants) {
      log.warn(
        { token: record.id_prefix },
        "token suspended: it sent secrets of other services, or guessed at one",
      );
      const { id_prefix: target, name: target_name, scope } = record;
      audit.recorder.record("token.suspend", { decision: "allow" }, { target, target_name, scope });
      workers?.suspended([record, ...descendants]);
      for (const each of [record, ...descendants]) {
        endAllOf(each, new VaultProxyError("token_suspended", "this token was suspended"));
      }
    },
    onUnsavedSuspension(record, error) {
      log.warn(
        { token: record.id_prefix, ...describeThrown(error) },
        "the token's suspension could not be saved: it ends when the server stops",
      );
    },
  });
  const expiryWatch = createExpiryWatch({
    clock: Date.now,
    after: runLater,
    onExpired: (record) => endAllOf(record, new VaultProxyError("unauthorized", "this token has expired")),
  });
  const endAllOf = (token: TokenRecord, reason: VaultProxyError): void => {
    calls.end((call) => call.tokenDigest === token.digest, reason);
    workers?.end(token, reason);
    sessions.end((session) => session.token.digest === token.digest, reason);
  };
  const scanSeed = randomBytes(SCAN_SEED_BYTES);
  const outboundSecrets = createOutboundSecrets(createSeededBytes(scanSeed));
  const outboundGuard = createOutboundGuard(outboundSecrets, { now, after: runLater });
  const send = createBoundedSender(config.egressProxy);
  const tools: IssuingTools = {
    send,
    requestToken: createTokenRequester(send, Date.now),
    readFile: (name) => vault.files.read(name),
    clock: Date.now,
  };
  const accessTokens = createTokenKeeper({
    services,
    tools,
    random: Math.random,
    events: createRefreshReports(log, config.onRefreshFailure, audit.recorder),
  });
  const cookieJars = createCookieJars(Date.now);
  const routes = createServiceRoutes({
    records: () => services.records,
    egressProxy: config.egressProxy,
    tokenOf: (stored) => accessTokens.boundTo(stored),
    cookieJars,
  });

  const logins = createLogins({
    ...tools,
    ...{ services, randomBytes, log },
    onEnd: (service, { flow, failure }) =>
      audit.recorder.flushed(
        "oauth.login",
        { decision: "allow", service },
        { flow, step: "end", reason: failure },
      ),
    wait: (milliseconds, signal) => delay(milliseconds, undefined, { signal, ref: false }),
    isLocked: () => vault.status === "locked",
  });

  const policies = vault.collection<StoredPolicy>("policies");
  const uses = createUseKeeper(vault.collection("settings"));
  const authorizer = createAuthorizer({
    tokens: () => tokenRecords.records,
    policies: () => policies.records,
    uses,
    onLimited: (limit) => eventMetrics.limited(limit),
    clock: Date.now,
  });

  /** What a policy allows for a time only ends with that. */
  const hourglass = setInterval(() => authorizer.refresh(), REFRESH_GRANTS_MS).unref();

  const readTable = shareReads(readTcpTable);
  const sessions = createSessionRegistry({
    records: () => services.records,
    drivers: SESSION_DRIVERS,
    authorize: (token, action) => authorizer.authorize(token, action),
    audit: audit.recorder,
    address: config.sessions,
    isAllowedPeer: createPeerCheck({
      platform: process.platform,
      ownUid: process.getuid?.(),
      readTable,
    }),
    accessToken: async (service) => accessTokens.sourceOf(service).current(),
    ...{ randomBytes, random: Math.random, clock: Date.now },
    events: createSessionLog(log, audit.recorder),
  });

  const sshKeys = createSshKeys((name) => vault.files.read(name));
  const sshConnections = createSshConnections(
    createServiceConnector({
      keys: sshKeys,
      change: (mutate) => services.change(mutate),
      onFirstUse: (service, fingerprint) =>
        audit.recorder.flushed(
          "host_key.pin",
          { decision: "allow", service },
          { fingerprint, first_use: true },
        ),
    }),
  );
  const ssh = createSshCalls({
    records: () => services.records,
    connections: sshConnections,
    authorize: (token, action) => authorizer.authorize(token, action),
    audit: audit.recorder,
    calls,
    maxCallsPerToken: MAX_CALLS_PER_TOKEN,
  });

  followVault({
    ...{
      vault,
      services,
      tokenRecords,
      audit,
      metrics,
      logins,
      calls,
      sessions,
      ssh,
      sshConnections,
      sshKeys,
      uses,
    },
    ...{ expiryWatch, routes, accessTokens, cookieJars, outboundGuard, authorizer },
  });

  /** A lock must not fail for it: what a crash would cost is all that is lost. */
  const saveUses = async (isToken: (digest: string) => boolean): Promise<void> => {
    await uses.save(isToken).catch(() => undefined);
  };
  const beforeLock = async (): Promise<void> => {
    const deadline = delay(SAVE_BEFORE_LOCK_MS, undefined, { ref: false });
    const isToken = (digest: string): boolean => tokenRecords.records.has(digest);
    const saved = [accessTokens.saved(), accessTokens.saveAgain(), saveUses(isToken)];
    await Promise.race([Promise.all(saved), deadline]);
    await audit.beforeLock();
  };
  const controlCalls = new WeakMap<IncomingMessage, Parameters<HttpListenerParts["controlPlane"]>[2]>();
  const controlPlane = createControlPlane({
    vault,
    audit,
    tokens,
    services,
    beforeLock,
    tokenExpiryOf: (service) => accessTokens.expiresAt(service),
    logins,
    sessions,
    ssh,
    metrics,
    healthDetails: () => observed.details(),
    version,
    tokenTtlMs: config.tokenTtlMs,
    clock: Date.now,
    log,
    clientOf: (c) => clientAddress(incomingOf(c)),
    addressOf: (c) => requestAddress(incomingOf(c)),
    requestIdOf: (c) => controlCalls.get(incomingOf(c))?.requestId ?? "",
    responseOf: (c) => (c.env as HttpBindings).outgoing,
    allowUpload: (c) => controlCalls.get(incomingOf(c))?.allowUpload(),
    callerOf: (c) => userOfCaller(incomingOf(c), readTable),
    userIdOf: (c) => userIdOf(incomingOf(c), readTable),
  });
  const shells = createShellUpgrades({
    ...{ vault, tokens, ssh, log },
    clock: { now: Date.now, after: runLater },
  });

  const listener = createHttpListener({
    // Workers speak TLS themselves.
    tls: config.workers > 1 ? undefined : tls,
    shells,
    guard: createBrowserGuard({
      tlsNames: tls?.names ?? [],
      allowedHosts: config.allowedHosts,
      unixSocket: config.listen.kind === "unix",
    }),
    proxy: createProxyPipeline({
      isLocked: () => vault.status === "locked",
      authenticate: (token) => tokens.authenticate(token),
      searchOutbound: (service) => new OutboundScan(outboundSecrets, service),
      outboundReady: () => outboundGuard.ready(),
      strike: (token, secret) => tokens.strike(token, secret),
      strikeOnce: (token, cause) => tokens.strikeOnce(token, cause),
      authorize: (token, action) => authorizer.authorize(token, action),
      audit: audit.recorder,
      metrics: callMetrics,
      routes,
      calls,
      maxCallsPerToken: MAX_CALLS_PER_TOKEN,
      countBytes: createChunkCollector(),
      now,
      log,
    }),
    onRefused: ({ code }) => eventMetrics.refusedAtTheDoor(code),
    maxConnections,
    log,
    now,
    controlPlane(request, response, call) {
      controlCalls.set(request, call);
      response.once("close", () => eventMetrics.controlRequest(response.statusCode));
      void listenToControlPlane(request, response);
    },
  });

  // What only servers with workers need is loaded by them only.
  const workers =
    config.workers === 1
      ? undefined
      : (await import("./server-workers.js")).createServerWorkers({
          ...{ config, vault, tokens, authorizer, accessTokens, callMetrics, eventMetrics },
          ...{ maxConnections, listener, log, scanSeed, recorder: audit.recorder },
          onGuess: (service) => routes.get(service)?.ranges.note(now()),
        });
  const controlFetch = workers?.fenced(controlPlane.fetch) ?? controlPlane.fetch;
  const listenToControlPlane = getRequestListener(controlFetch, { overrideGlobalObjects: false });

  const connections = workers ?? countConnections(listener, () => eventMetrics.connected());
  const observed = observeServer({
    ...{ vault, tokens, sessions, sshConnections, audit, connections },
    calls: () => calls.size + (workers?.calls ?? 0),
    ...{ dataDir: config.dataDir, lag: metrics.lag, clock: Date.now },
    refreshFailures: () => callMetrics.refreshFailures,
  });
  metrics.showState(() => observed.state());

  return {
    vault,
    listener,
    workers,
    drainSessions: () => sessions.drain(),
    endShells: () => shells.end(stoppingError()),
    endCalls: () => calls.end(() => true, stoppingError()),
    unlockAtStart: (password) => unlockAtStart(password, { vault, audit }),
    async close(signal) {
      await workers?.stop();
      // A provider may have taken the old refresh token back already.
      await Promise.race([accessTokens.settle(), delay(SETTLE_MS, undefined, { ref: false })]);
      await beforeLock();
      clearInterval(hourglass);
      metrics.lag.stop();
      await audit.stopping(signal);
      await vault.close();
      await audit.close();
    },
  };
}

function stoppingError(): VaultProxyError {
  return new VaultProxyError("unavailable", "the vault is stopping");
}
