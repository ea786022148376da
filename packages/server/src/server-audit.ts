import { randomBytes } from "node:crypto";
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { knownSecretsOf, type ServiceRecord } from "./auth-strategies/service-definition.js";
import type { AuditDetails } from "./audit/audit-action.js";
import type { AuditFacts } from "./audit/audit-entry.js";
import { createAuditKeeper, ENDING_MS, type AuditKeeper } from "./audit/audit-keeper.js";
import { openAuditLog, type AuditLog } from "./audit/audit-log.js";
import type { AuditLogState } from "./audit/audit-log-state.js";
import { queryAudit, type AuditPage, type AuditQuery } from "./audit/audit-query.js";
import { createLineMaker } from "./audit/entry-members.js";
import { createAuditRecorder, type AuditRecorder, type OnRecord } from "./audit/recorder.js";
import { rememberUnrecorded } from "./audit/unrecorded-time.js";
import { listenAddressText } from "./config/listen-address.js";
import type { ServerConfig } from "./config/server-config.js";
import { VaultProxyError } from "./errors/vault-proxy-error.js";
import { keepInStep } from "./data-plane/outbound-guard.js";
import { describeThrown, type Logger } from "./redaction/logger.js";
import { createSecretMask, type SecretMask } from "./scrubbing/secret-mask.js";
import { every, runLater } from "./timers.js";
import type { Vault } from "./vault/vault.js";

/** How long a lock and a stop wait for the disk. */
const LAST_WRITES_MS = 1000;

/** Of the server itself. */
const OWN: AuditFacts = { decision: "allow" };

/** Who locks the vault, and what else the entry says. */
interface LockEntry {
  readonly facts: AuditFacts;
  readonly details: AuditDetails<"lock">;
}

/** The audit log of a running server, as it goes with its vault. */
export interface ServerAudit {
  readonly recorder: AuditRecorder;
  /** Undefined where the log is off. */
  state(): AuditLogState | undefined;
  /** The vault was unlocked. To be called before anything is recorded that this unlock allows. */
  unlocked(services: ReadonlyMap<string, ServiceRecord>): void;
  servicesChanged(services: ReadonlyMap<string, ServiceRecord>): void;
  /** An unlock was right: records it when the log has its key. */
  recordUnlock(facts: AuditFacts, details: AuditDetails<"unlock">): Promise<void>;
  /** The vault is about to be locked: it remembers the log's end. Never rejects, and takes a second at most. */
  beforeLock(): Promise<void>;
  /** What is said of the lock that comes. */
  announceLock(facts: AuditFacts, details: AuditDetails<"lock">): void;
  /** The vault was locked. What that ends still gets MACs for a second. */
  locked(): void;
  /** @throws {VaultProxyError} `not_found` where there is no log, `storage_failed` */
  query(query: AuditQuery): Promise<AuditPage>;
  /** The password was changed. */
  renewKey(): Promise<void>;
  /** To be called while the vault is still unlocked. */
  stopping(signal: string | undefined): Promise<void>;
  /** To be called when nothing more is done. */
  close(): Promise<void>;
}

/** Opens the log in the data directory, whose lock the vault holds. @throws {VaultProxyError} `storage_failed` */
export async function openServerAudit(
  config: ServerConfig,
  parts: {
    readonly vault: Vault;
    readonly version: string;
    readonly log: Logger;
    readonly onRecord?: OnRecord;
  },
): Promise<ServerAudit> {
  const { vault, version, log: consoleLog, onRecord } = parts;
  const settings = vault.collection<object>("settings");
  if (!config.audit) {
    const maker = createLineMaker((text) => text);
    const recorder = createAuditRecorder({ log: undefined, maker, consoleLog, onRecord });
    return withoutLog(recorder, () => {
      rememberUnrecorded(settings, new Date()).catch((thrown: unknown) =>
        consoleLog.warn(describeThrown(thrown), "the vault could not remember that nothing is recorded"),
      );
    });
  }

  const log = await openAuditLog({
    ...{ directory: config.dataDir, log: consoleLog, randomBytes },
    clock: Date.now,
  });
  const mask = createSecretMask(randomBytes);
  const masked = keepInStep(sealedBefore(log, mask), knownSecretsOf, {
    now: () => performance.now(),
    after: runLater,
  });
  const recorder = createAuditRecorder({
    log: {
      ready: () => bothOf(log.ready(), masked.ready()),
      record: (entry) => log.record(entry),
      flush: () => log.flush(),
    },
    maker: createLineMaker(
      (text) => mask.mask(text),
      () => masked.isComplete(),
    ),
    consoleLog,
    onRecord(action, facts, details) {
      // Of thousands of services some wait for their turn after an unlock: what a call was made with is masked all the same.
      if (facts.service !== undefined) masked.takeUp(facts.service);
      onRecord?.(action, facts, details);
    },
  });
  const keeper = createAuditKeeper({
    ...{ log, randomBytes, consoleLog, every, after: runLater },
    settings,
  });
  recorder.record("server.start", OWN, { version, listen: listenAddressText(config.listen) });
  return withLog({ directory: config.dataDir, log, recorder, keeper, masked });
}

function bothOf(one: Promise<void> | undefined, other: Promise<void> | undefined): Promise<void> | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Promise.all([one, other]).then(() => undefined);
}

/** What was recorded is masked by what was known then, and not when it becomes a line. */
export function sealedBefore(log: Pick<AuditLog, "seal">, mask: SecretMask): Omit<SecretMask, "mask"> {
  return {
    update(service, secrets) {
      log.seal();
      mask.update(service, secrets);
    },
    remove(service) {
      log.seal();
      mask.remove(service);
    },
    clear() {
      log.seal();
      mask.clear();
    },
  };
}

interface LogParts {
  readonly directory: string;
  readonly log: AuditLog;
  readonly recorder: AuditRecorder;
  readonly keeper: AuditKeeper;
  readonly masked: ReturnType<typeof keepInStep>;
}

function withLog({ directory, log, recorder, keeper, masked }: LogParts): ServerAudit {
  let lockEntry: LockEntry | undefined;
  let isStopping = false;
  let keepMask: (() => void) | undefined;

  /** What was recorded while the mask knew all services becomes lines before some have to wait for their turn. */
  const keepUp = (services: ReadonlyMap<string, ServiceRecord>): void => {
    log.seal();
    masked.update(services);
  };

  return {
    recorder,
    state: () => log.state(),
    unlocked(services) {
      keepMask?.();
      keepUp(services);
      keeper.unlocked();
    },
    servicesChanged: keepUp,
    async recordUnlock(facts, details) {
      await keeper.settled();
      // Locked again meanwhile: an unlock without a MAC would be taken for a forged one.
      if (keeper.hasKey) recorder.record("unlock", facts, details);
      else recorder.record("unlock", { ...facts, decision: "deny", code: "vault_locked" }, details);
      // A full disk must not keep the admin out who can make room: the line waits in memory then.
      await soon(recorder.writable());
    },
    beforeLock: () => soon(keeper.remember()),
    announceLock(facts, details) {
      lockEntry = { facts, details };
    },
    locked() {
      if (!isStopping) recorder.record("lock", lockEntry?.facts ?? OWN, lockEntry?.details);
      lockEntry = undefined;
      keeper.locked();
      // What the lock ends is masked, too, until it has been recorded.
      masked.stop();
      keepMask = runLater(ENDING_MS, () => masked.clear());
    },
    async query(query) {
      // What was done before it was asked is in the answer.
      await soon(recorder.writable());
      try {
        return await keeper.withKeys((keys) => queryAudit(directory, query, { keys }));
      } catch (error) {
        throw new VaultProxyError("storage_failed", "the audit log cannot be read", { cause: error });
      }
    },
    renewKey: () => keeper.renewKey(),
    async stopping(signal) {
      isStopping = true;
      recorder.record("server.stop", OWN, { signal });
      await soon(keeper.remember());
    },
    close: () => log.close(),
  };
}

function withoutLog(recorder: AuditRecorder, unlocked: () => void): ServerAudit {
  const nothing = (): Promise<void> => Promise.resolve();
  return {
    recorder,
    state: () => undefined,
    unlocked,
    servicesChanged: () => undefined,
    async recordUnlock(facts, details) {
      recorder.record("unlock", facts, details);
      await nothing();
    },
    beforeLock: nothing,
    announceLock: () => undefined,
    locked: () => undefined,
    query: () => Promise.reject(new VaultProxyError("not_found", "this server keeps no audit log")),
    renewKey: nothing,
    stopping: nothing,
    close: nothing,
  };
}

/** Waits for it, but not long, and whether it succeeds or not. */
async function soon(task: Promise<void>): Promise<void> {
  await Promise.race([task.catch(() => undefined), delay(LAST_WRITES_MS, undefined, { ref: false })]);
}
