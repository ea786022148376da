import type { Socket } from "node:net";
import pLimit from "p-limit";
import type { SecureContext } from "node:tls";
import type { AuditFacts } from "../audit/audit-entry.js";
import type { AuditRecorder } from "../audit/recorder.js";
import type { Authorizer } from "../authorization/authorizer.js";
import type { Grant } from "../authorization/grant.js";
import type { SessionProtocol, SessionUse } from "../auth-strategies/auth-strategy.js";
import { usableRecord } from "../auth-strategies/imported-service.js";
import { sessionUseOf, type AuthConfig, type ServiceRecord } from "../auth-strategies/service-definition.js";
import { parseDuration } from "../config/duration.js";
import { statusOf } from "../errors/error-codes.js";
import { toVaultProxyError, VaultProxyError } from "../errors/vault-proxy-error.js";
import { secureContext } from "../network/tls-trust.js";
import type { LocalLogin, SessionDriver } from "../protocols/session-driver.js";
import { Secret } from "../redaction/secret.js";
import type { TokenRecord } from "../tokens/token-record.js";
import { isLoopbackAddress, type IsAllowedPeer } from "./peer-check.js";
import { Session, type ConnectionOutcome, type SessionSettings } from "./session.js";
import { createConnectionTools, type SessionTarget } from "./server-connections.js";
import { SESSION_LIMITS } from "./session-limits.js";
import { authorityOf, openSessionPort, type SessionAddress } from "./session-port.js";

/** What is asked for when a session is opened; what is left out is the service's setting, or the default. */
export interface SessionRequest {
  readonly protocol: SessionProtocol;
  readonly service: string;
  readonly token: TokenRecord;
  /** Where the request comes from, for the audit log. */
  readonly origin: Pick<AuditFacts, "request_id" | "client" | "justification">;
  /** The user whose process asks, if that can be told. */
  readonly openerUid: number | undefined;
  readonly timeoutMs?: number | undefined;
  readonly maxConnections?: number | undefined;
  readonly requirePassword?: boolean | undefined;
  readonly idleTimeoutMs?: number | undefined;
}

/** What the one who opens a session is told. */
export interface OpenedSession {
  readonly id: string;
  /** `host:port` */
  readonly addr: string;
  readonly url: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** What clients must log in with; undefined if anything will do. */
  readonly login: LocalLogin | undefined;
}

/** Which session it is. */
export interface SessionIdentity {
  readonly id: string;
  readonly protocol: SessionProtocol;
  readonly service: string;
  /** Of the one who opened it. */
  readonly token: TokenRecord;
}

/** An open session, for a list. */
export interface SessionState extends SessionIdentity {
  readonly addr: string;
  /** Milliseconds since the epoch. */
  readonly openedAt: number;
  readonly expiresAt: number;
  readonly maxConnections: number;
  readonly connections: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** What becomes of sessions, for the log. */
export interface SessionEvents {
  opened(session: SessionIdentity): void;
  connectionEnded(session: SessionIdentity, outcome: ConnectionOutcome): void;
  ended(session: SessionIdentity, totals: { readonly bytesIn: number; readonly bytesOut: number }): void;
}

export interface SessionRegistry {
  /** @throws VaultProxyError `not_found`, `invalid_request` that names the field, `rate_limited`, `unavailable` */
  open(request: SessionRequest): Promise<OpenedSession>;
  /** The oldest first. */
  list(): readonly SessionState[];
  /** Ends every session that `matches`, with `reason` for the log. */
  end(matches: (session: SessionIdentity) => boolean, reason: VaultProxyError): void;
  /**
   * Takes no more clients, and no more sessions.
   * @returns when the last one is over
   */
  drain(): Promise<void>;
  /** The committed services changed: sessions of those that changed take no more clients, those of deleted ones end. */
  refresh(services: ReadonlyMap<string, ServiceRecord>): void;
}

export interface SessionRegistryParts {
  /** The committed services. Throws while locked. */
  readonly records: () => ReadonlyMap<string, ServiceRecord>;
  readonly drivers: Readonly<Record<SessionProtocol, SessionDriver<AuthConfig>>>;
  readonly authorize: Authorizer["authorize"];
  readonly audit: Pick<AuditRecorder, "ready" | "record">;
  readonly address: SessionAddress;
  readonly isAllowedPeer: IsAllowedPeer;
  /** The access token of the service of that name. */
  readonly accessToken: (service: string) => Promise<string>;
  readonly randomBytes: (size: number) => Buffer;
  /** 0 to 1. */
  readonly random: () => number;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly events: SessionEvents;
}

interface Entry {
  readonly identity: SessionIdentity;
  readonly session: Session;
  readonly stored: ServiceRecord;
  readonly state: () => SessionState;
}

const ID_BYTES = 16;
const PASSWORD_BYTES = 24;
const LOCAL_USERNAME = "vault";

export function createSessionRegistry(parts: SessionRegistryParts): SessionRegistry {
  const entries = new Map<string, Entry>();
  /** Those that may not be opened yet, and what ends them. */
  const waiting = new Map<SessionIdentity, (reason: VaultProxyError) => void>();
  const heavy = pLimit(1);
  let isDraining = false;
  /** Made once a service: see {@link secureContext}. */
  const contexts = new WeakMap<ServiceRecord, SecureContext>();

  const targetOf = (record: ServiceRecord, server: { host: string; port: number }): SessionTarget => ({
    server: { ...server, allowPrivate: record.allow_private },
    trust() {
      const context = contexts.get(record) ?? secureContext(record.tls_ca);
      contexts.set(record, context);
      return { host: server.host, secureContext: context, rejectUnauthorized: !record.tls_skip_verify };
    },
    accessToken: parts.accessToken,
    runHeavy: (work) => heavy(work),
  });

  /** @throws as `open` */
  const openGranted = async (
    request: SessionRequest,
    { identity, stored, record, use, grant }: GrantedSession,
  ): Promise<OpenedSession> => {
    const now = parts.clock();
    const settings = settingsOf(request, record, now);
    const login = needsPassword(request, record, parts.address.host)
      ? newLogin(parts.randomBytes)
      : undefined;
    const driver = parts.drivers[request.protocol];
    const target = targetOf(record, use.server(record.auth));
    const { id } = identity;
    const isAllowed = (client: Socket): Promise<boolean> =>
      record.any_local_user === true ? Promise.resolve(true) : parts.isAllowedPeer(client, request.openerUid);

    const session = new Session({
      settings,
      protocol: driver.open(record.auth, login),
      needsLogin: login !== undefined,
      toolsFor: (signal, events) => createConnectionTools(target, signal, events),
      isAllowed,
      clock: parts.clock,
      onConnectionEnd: (outcome) => parts.events.connectionEnded(identity, outcome),
      onEnd() {
        stopCounting();
        grant.release();
        if (entries.delete(id))
          parts.events.ended(identity, { bytesIn: session.bytes.in, bytesOut: session.bytes.out });
      },
    });
    const stopCounting = countBytes(session, grant);
    let addr = "";
    const state = (): SessionState => ({
      ...identity,
      ...{ addr, openedAt: now, expiresAt: settings.expiresAt },
      maxConnections: settings.maxConnections,
      connections: session.connections,
      bytesIn: session.bytes.in,
      bytesOut: session.bytes.out,
    });
    // Before the port is there, so that a lock meanwhile ends it too.
    entries.set(id, { identity, session, stored, state });
    grant.onWithdrawn((reason) => session.end(reason));
    try {
      const port = await openSessionPort(parts.address, session.accept, parts.random());
      session.listenOn(port);
      addr = authorityOf(port);
      if (!entries.has(id)) throw new VaultProxyError("vault_locked", "the session was ended as it opened");
      parts.events.opened(identity);
      return {
        id,
        addr,
        url: driver.urlOf(port, record.auth, login),
        expiresAt: settings.expiresAt,
        login,
      };
    } catch (error) {
      session.end(new VaultProxyError("unavailable", "the session could not be opened"));
      throw error;
    }
  };

  /** Waits, unless the session is ended meanwhile. */
  const notEnded = async (identity: SessionIdentity, pending: Promise<unknown>): Promise<void> => {
    const ended = new Promise<never>((_, reject) => waiting.set(identity, reject));
    try {
      await Promise.race([pending, ended]);
    } finally {
      waiting.delete(identity);
    }
  };

  const openPermitted = async (
    request: SessionRequest,
  ): Promise<{ readonly opened: OpenedSession; readonly rule: string | undefined }> => {
    if (isDraining) throw new VaultProxyError("unavailable", "the server is stopping");
    refuseTooMany(entries, request.token);
    const stored = parts.records().get(request.service);
    if (stored === undefined) throw new VaultProxyError("not_found", "no such service");
    // Before anything is told of the service.
    const grant = parts.authorize(request.token, {
      kind: "session",
      service: stored.name,
      protocol: request.protocol,
    });
    try {
      const record = usableRecord(stored);
      const use = sessionUseOf(record);
      if (use?.protocol !== request.protocol) {
        throw new VaultProxyError(
          "invalid_request",
          `service ${record.name} is of type ${record.auth.type}, not ${request.protocol}`,
        );
      }
      const identity: SessionIdentity = {
        id: `ses_${parts.randomBytes(ID_BYTES).toString("base64url")}`,
        protocol: request.protocol,
        service: record.name,
        token: request.token,
      };
      // A session that cannot be recorded is not opened.
      const isRecordable = parts.audit.ready();
      if (grant.ready !== undefined || isRecordable !== undefined) {
        await notEnded(identity, Promise.all([grant.ready, isRecordable]));
        if (parts.records().get(stored.name) !== stored) {
          throw new VaultProxyError("conflict", "this service was changed meanwhile; try again");
        }
      }
      const opened = await openGranted(request, { identity, stored, record, use, grant });
      return { opened, rule: grant.rule };
    } catch (error) {
      grant.release();
      throw error;
    }
  };

  return {
    async open(request) {
      const about = (): AuditFacts => ({
        ...request.origin,
        token: request.token.id_prefix,
        token_name: request.token.name,
        service: request.service,
        decision: "allow",
      });
      try {
        const { opened, rule } = await openPermitted(request);
        const details = { session: opened.id, protocol: request.protocol };
        parts.audit.record("session.open", { ...about(), rule }, details);
        return opened;
      } catch (error) {
        const { code } = toVaultProxyError(error);
        const facts: AuditFacts = { ...about(), decision: "deny", code, status: statusOf(code) };
        parts.audit.record("session.open", facts, { protocol: request.protocol });
        throw error;
      }
    },
    list: () => [...entries.values()].map(({ state }) => state()),
    end(matches, reason) {
      for (const [identity, end] of waiting) if (matches(identity)) end(reason);
      for (const { session, identity } of [...entries.values()]) if (matches(identity)) session.end(reason);
    },
    async drain() {
      isDraining = true;
      const sessions = [...entries.values()].map(({ session }) => session);
      for (const session of sessions) session.retire();
      await Promise.all(sessions.map(({ over }) => over));
    },
    refresh(services) {
      for (const { session, stored } of [...entries.values()]) {
        const current = services.get(stored.name);
        if (current === undefined) session.end(new VaultProxyError("not_found", "this service was deleted"));
        else if (current !== stored) session.retire();
      }
    },
  };
}

/** A session that may be opened. */
interface GrantedSession {
  readonly identity: SessionIdentity;
  readonly stored: ServiceRecord;
  readonly record: ServiceRecord;
  readonly use: SessionUse<AuthConfig>;
  readonly grant: Grant;
}

/** How often the bytes of a session are counted against its token's limit. */
const COUNT_BYTES_MS = 1000;

/** Ends a session whose token has no bytes left. @returns what counts the rest, and stops */
function countBytes(session: Session, grant: Grant): () => void {
  if (!grant.isRestricted) return () => undefined;
  let counted = 0;
  const count = (): void => {
    const total = session.bytes.in + session.bytes.out;
    const refusal = grant.takePassedBytes(total - counted);
    counted = total;
    if (refusal !== undefined) session.end(refusal);
  };
  const timer = setInterval(count, COUNT_BYTES_MS);
  return () => {
    clearInterval(timer);
    const total = session.bytes.in + session.bytes.out;
    grant.takePassedBytes(total - counted);
    counted = total;
  };
}

function refuseTooMany(entries: ReadonlyMap<string, Entry>, token: TokenRecord): void {
  let own = 0;
  for (const { identity } of entries.values()) if (identity.token.digest === token.digest) own += 1;
  if (own < SESSION_LIMITS.perToken && entries.size < SESSION_LIMITS.inAll) return;
  throw new VaultProxyError("rate_limited", "too many sessions are open", { retryAfterSeconds: 30 });
}

function settingsOf(request: SessionRequest, record: ServiceRecord, now: number): SessionSettings {
  const maxConnections = request.maxConnections ?? record.max_connections ?? 1;
  if (record.max_connections !== undefined && maxConnections > record.max_connections) {
    throw new VaultProxyError(
      "invalid_request",
      `max_connections: at most ${record.max_connections} for this service`,
    );
  }
  const longest = maxConnections === 1 ? SESSION_LIMITS.maxTimeoutMs : SESSION_LIMITS.maxLifeMs;
  const timeoutMs = request.timeoutMs ?? SESSION_LIMITS.defaultTimeoutMs;
  if (timeoutMs > longest) {
    throw new VaultProxyError(
      "invalid_request",
      `timeout: at most ${longest / 1000} seconds with max_connections ${maxConnections}`,
    );
  }
  const tokenExpiresAt = Date.parse(request.token.expires_at);
  const idles = [
    request.idleTimeoutMs,
    record.idle_timeout === undefined ? undefined : parseDuration(record.idle_timeout),
  ].filter((idle) => idle !== undefined);
  return {
    maxConnections,
    expiresAt: Math.min(now + timeoutMs, tokenExpiresAt),
    tokenExpiresAt,
    idleTimeoutMs: idles.length === 0 ? undefined : Math.min(...idles),
  };
}

/** Who can reach a port that is not on loopback cannot be told by its user. */
function needsPassword(request: SessionRequest, record: ServiceRecord, host: string): boolean {
  return request.requirePassword === true || record.require_password === true || !isLoopbackAddress(host);
}

function newLogin(randomBytes: (size: number) => Buffer): LocalLogin {
  const password = new Secret(randomBytes(PASSWORD_BYTES).toString("base64url"));
  return { username: LOCAL_USERNAME, password };
}
