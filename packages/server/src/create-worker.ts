import type { IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";
import { performance } from "node:perf_hooks";
import { createAuthorizer } from "./authorization/authorizer.js";
import { createUseKeeper } from "./authorization/use-keeper.js";
import { createChunkCollector } from "./data-plane/chunk-collector.js";
import { sayContinue } from "./data-plane/continue-answer.js";
import { createCookieJars } from "./data-plane/cookie-jars.js";
import { createHttpListener } from "./data-plane/http-listener.js";
import { createInFlightCalls } from "./data-plane/in-flight-calls.js";
import { createOutboundGuard } from "./data-plane/outbound-guard.js";
import { createProxyPipeline, type IncomingCall, type IncomingUpgrade } from "./data-plane/proxy-pipeline.js";
import { createServiceRoutes, type ServiceRoutes } from "./data-plane/service-routes.js";
import { VaultProxyError } from "./errors/vault-proxy-error.js";
import { CallTimes } from "./metrics/call-metrics.js";
import { createBrowserGuard } from "./network/browser-guard.js";
import type { Logger } from "./redaction/logger.js";
import { OutboundScan } from "./scrubbing/outbound-scan.js";
import { createOutboundSecrets } from "./scrubbing/outbound-secrets.js";
import { createSeededBytes } from "./scrubbing/seeded-bytes.js";
import { readTlsFiles } from "./start-up-files.js";
import { every, runLater } from "./timers.js";
import { createTokenRegistry, type TokenRegistry } from "./tokens/token-registry.js";
import type { TokenRecord } from "./tokens/token-record.js";
import { createCallRelay } from "./workers/call-relay.js";
import { createCallerConnections } from "./workers/caller-connections.js";
import { fromErrorMessage } from "./workers/error-message.js";
import { HandOver } from "./workers/hand-over.js";
import { WORKER_LIMITS } from "./workers/limits.js";
import type { OwnerMessage, WorkerSettings } from "./workers/messages.js";
import type { OwnerLink } from "./workers/owner-link.js";
import { createOwnerWatch } from "./workers/owner-watch.js";
import { createRemoteAccessTokens } from "./workers/remote-access-tokens.js";
import { createRemoteAuthorizer } from "./workers/remote-authorizer.js";
import { createRemoteRecorder } from "./workers/remote-recorder.js";
import { createVaultReplica } from "./workers/vault-replica.js";

/** Of one token in one process. */
const MAX_CALLS_PER_TOKEN = 4096;
/** The longest that a timer runs: of what is passed on, the owner bounds the time. */
const NO_TIME_LIMIT = 2 ** 31 - 1;

export interface Worker {
  /** What the owner says, in its order. */
  hear(message: OwnerMessage, socket: Socket | undefined): void;
}

/** The data plane in a process of its own: makes calls by a copy of the vault, and has all else done by the owner. */
export async function createWorker(
  settings: WorkerSettings,
  { link, log, exit }: { readonly link: OwnerLink; readonly log: Logger; readonly exit: () => void },
): Promise<Worker> {
  const tls = settings.tls === undefined ? undefined : await readTlsFiles(settings.tls);
  const now = (): number => performance.now();
  const relay = createCallRelay(settings.relay.path, Buffer.from(settings.relay.key, "hex"));
  const replica = createVaultReplica();
  const calls = createInFlightCalls();
  const recorder = createRemoteRecorder(link, runLater);
  const watch = createOwnerWatch({ now, every, onChange: (isSilent) => recorder.setSilent(isSilent) });
  const accessTokens = createRemoteAccessTokens(link, (service) => replica.versionOf(service));
  const routes = createServiceRoutes({
    records: () => replica.services,
    egressProxy: settings.egressProxy === undefined ? undefined : new URL(settings.egressProxy),
    tokenOf: (stored) => accessTokens.boundTo(stored),
    cookieJars: createCookieJars(Date.now),
  });
  const outboundSecrets = createOutboundSecrets(createSeededBytes(Buffer.from(settings.scanSeed, "hex")));
  const outboundGuard = createOutboundGuard(outboundSecrets, { now, after: runLater });
  const authorizer = createRemoteAuthorizer(
    link,
    replica,
    createAuthorizer({
      tokens: () => replica.tokens,
      policies: () => replica.policies,
      // Nothing is counted here, so that there is nothing to keep.
      uses: createUseKeeper({ records: new Map(), change: refuseChange }),
      clock: Date.now,
    }),
  );
  every(WORKER_LIMITS.refreshGrants, () => authorizer.refresh());
  const tokens = createReplicaRegistry(() => replica.tokens);
  /** Tokens whose offence the owner has not judged yet. */
  const struck = new Map<string, number>();
  let hasUnsavedTokens = false;

  const authenticate = (presented: string): TokenRecord | undefined => {
    const record = tokens.authenticate(presented);
    if (record === undefined) {
      if (hasUnsavedTokens) throw new HandOver();
      return undefined;
    }
    if (struck.size > 0 || replica.isWatched(record.digest)) throw new HandOver();
    link.used(record.digest);
    return record;
  };
  const strike = (token: TokenRecord, cause: number | string, isOnce: boolean): void => {
    struck.set(token.digest, (struck.get(token.digest) ?? 0) + 1);
    link.send({ type: "strike", digest: token.digest, cause, isOnce });
  };
  const handOver = (thrown: unknown, call: IncomingCall | IncomingUpgrade): boolean => {
    if (!(thrown instanceof HandOver)) return false;
    if ("socket" in call) relay.upgrade(call);
    else {
      if (call.expectsContinue) sayContinue(call.response);
      relay.call(call);
    }
    return true;
  };

  const listener: Server = createHttpListener({
    tls,
    shells: { upgrade: (upgrade) => relay.upgrade(upgrade) },
    guard: createBrowserGuard({
      tlsNames: tls?.names ?? [],
      allowedHosts: settings.allowedHosts,
      unixSocket: settings.isUnixSocket,
    }),
    proxy: createProxyPipeline({
      isLocked: () => replica.isLocked,
      authenticate,
      searchOutbound: (service) => new OutboundScan(outboundSecrets, service),
      outboundReady: () => outboundGuard.ready(),
      strike: (token, secret) => strike(token, secret, false),
      strikeOnce: (token, cause) => strike(token, cause, true),
      authorize: (token, action) => authorizer.authorize(token, action),
      audit: recorder,
      metrics: { times: (service, startedAt) => measuredForOwner(link, service, startedAt, now) },
      routes: withoutSharedState(routes),
      calls,
      maxCallsPerToken: MAX_CALLS_PER_TOKEN,
      countBytes: createChunkCollector(),
      handOver,
      now,
      log,
    }),
    onRefused: ({ code }) => link.refused(code),
    maxConnections: settings.maxConnections,
    controlBodyTimes: { bodyMs: NO_TIME_LIMIT, uploadMs: NO_TIME_LIMIT, uploadIdleMs: NO_TIME_LIMIT },
    controlPlane(request: IncomingMessage, response, { requestId }) {
      relay.call({ request, response, target: request.url ?? "/", requestId });
    },
    log,
    now,
  });
  const connections = createCallerConnections({
    ...{ listener, max: settings.maxConnections, log },
    endCalls: () => calls.end(() => true, new VaultProxyError("unavailable", "the vault is stopping")),
  });

  const lock = (): void => {
    const reason = new VaultProxyError("vault_locked", "the vault was locked");
    replica.lock();
    calls.end(() => true, reason);
    routes.destroyAll(reason);
    accessTokens.clear(reason);
    outboundGuard.clear();
    struck.clear();
    hasUnsavedTokens = false;
  };
  const followRecords = (message: Extract<OwnerMessage, { type: "records" }>): void => {
    replica.apply(message);
    if (replica.isLocked) return;
    if (message.collection !== "services") {
      authorizer.refresh();
      return;
    }
    routes.refresh();
    outboundGuard.update(replica.services);
    const gone = new Set(message.removed);
    calls.end(
      (call) => gone.has(call.serviceName),
      new VaultProxyError("not_found", "this service was deleted"),
    );
  };
  const stop = async (): Promise<void> => {
    await connections.drain();
    link.flush();
    exit();
  };

  return {
    hear(message, socket) {
      watch.heard();
      switch (message.type) {
        case "start":
          return;
        case "connection":
          // Until the owner is sure to hear of it nothing is read: it would deal the connection to another worker.
          link.send({ type: "taken" }, () => {
            if (socket !== undefined) connections.take(socket);
          });
          return;
        case "ping":
          link.flush();
          link.send({ type: "pong", id: message.id, connections: connections.size, calls: calls.size });
          return;
        case "records":
          followRecords(message);
          return;
        case "unlocked":
          replica.unlock();
          outboundGuard.update(replica.services);
          return;
        case "locked":
          lock();
          return;
        case "suspended":
          replica.suspend(message.digests);
          return;
        case "unsavedTokens":
          hasUnsavedTokens = message.exist;
          return;
        case "end": {
          const reason = fromErrorMessage(message.reason);
          calls.end((call) => call.tokenDigest === message.digest, reason);
          return;
        }
        case "reserved":
          authorizer.reserved(message.id, message.error);
          return;
        case "struck": {
          const left = (struck.get(message.digest) ?? 1) - 1;
          if (left > 0) struck.set(message.digest, left);
          else struck.delete(message.digest);
          return;
        }
        case "accessToken":
          accessTokens.answered(message);
          return;
        case "recorded":
          recorder.confirmed(message.count);
          return;
        case "auditFull":
          recorder.setFull(message.isFull);
          return;
        case "guess":
          if (!replica.isLocked) routes.get(message.service)?.ranges.note(now());
          return;
        case "stop":
          void stop();
      }
    },
  };
}

/** What all calls of a service share beyond one call is with the owner. */
function withoutSharedState(routes: ServiceRoutes): ServiceRoutes {
  return {
    ...routes,
    get(name) {
      const route = routes.get(name);
      if (route?.cookieJar !== undefined) throw new HandOver();
      return route;
    },
  };
}

/** Tells who shows a token. Everything else that a registry does is the owner's. */
function createReplicaRegistry(
  records: () => ReadonlyMap<string, TokenRecord>,
): Pick<TokenRegistry, "authenticate"> {
  const ignore = (): void => undefined;
  return createTokenRegistry({
    store: {
      get records() {
        return records();
      },
      change: refuseChange,
    },
    randomBytes(size) {
      throw new RangeError(`${String(size)} random bytes were asked for where no token is made`);
    },
    clock: Date.now,
    ...{ onRevoked: ignore, onSuspended: ignore, onUnsavedSuspension: ignore },
  });
}

function refuseChange(): Promise<never> {
  return Promise.reject(new VaultProxyError("internal", "internal error"));
}

function measuredForOwner(
  link: Pick<OwnerLink, "times">,
  service: string,
  startedAt: number,
  now: () => number,
): CallTimes {
  let added = 0;
  let connecting = 0;
  return new CallTimes(
    { upstream: { observe: (seconds) => link.times([service, added, connecting, seconds]) } },
    {
      added: { observe: (seconds) => void (added = seconds) },
      connecting: { observe: (seconds) => void (connecting = seconds) },
      now,
    },
    startedAt,
  );
}
