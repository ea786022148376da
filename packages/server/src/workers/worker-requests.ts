import { setTimeout as delay } from "node:timers/promises";
import type { TokenKeeper } from "../auth-strategies/token-keeper.js";
import type { ServiceRecord } from "../auth-strategies/service-definition.js";
import type { Authorizer } from "../authorization/authorizer.js";
import type { Grant } from "../authorization/grant.js";
import type { AuditRecorder } from "../audit/recorder.js";
import { toVaultProxyError, VaultProxyError } from "../errors/vault-proxy-error.js";
import type { CallMetrics } from "../metrics/call-metrics.js";
import type { EventMetrics } from "../metrics/event-metrics.js";
import type { SearchedSecret } from "../scrubbing/secret-matcher.js";
import type { TokenRecord } from "../tokens/token-record.js";
import type { TokenRegistry } from "../tokens/token-registry.js";
import { toErrorMessage } from "./error-message.js";
import { WORKER_LIMITS } from "./limits.js";
import type { OwnerMessage, SentSecret, WorkerMessage } from "./messages.js";

export interface WorkerRequestsParts {
  readonly isLocked: () => boolean;
  /** Throws while locked. */
  readonly tokenRecords: () => ReadonlyMap<string, TokenRecord>;
  /** A service's record as the workers had it. */
  readonly serviceOf: (name: string, version: number) => object | undefined;
  readonly tokens: Pick<TokenRegistry, "strike" | "strikeOnce" | "noteUse">;
  readonly authorizer: Pick<Authorizer, "authorize">;
  readonly accessTokens: Pick<TokenKeeper, "boundTo">;
  readonly recorder: Pick<AuditRecorder, "ready" | "record">;
  readonly callMetrics: Pick<CallMetrics, "measured">;
  readonly eventMetrics: Pick<EventMetrics, "refusedAtTheDoor">;
  /** A guess at a secret was seen in answers of this service. */
  readonly onGuess: (service: string) => void;
}

/** Does for one worker what only the owner may. */
export interface WorkerRequests {
  hear(message: WorkerMessage): void;
  /** The vault was locked. */
  clear(): void;
  /** The worker is gone: what it had reserved is given back. */
  end(): void;
}

type Asked<T extends WorkerMessage["type"]> = Extract<WorkerMessage, { type: T }>;

export function createWorkerRequests(
  parts: WorkerRequestsParts,
  send: (message: OwnerMessage) => void,
): WorkerRequests {
  const grants = new Map<number, Grant>();
  /** What it knows of the secrets of each service. */
  const searched = new Map<string, readonly SearchedSecret[]>();
  let unconfirmed = 0;
  let isConfirming = false;
  let isAuditFull = false;
  let isOver = false;

  const tokenOf = (digest: string): TokenRecord => {
    const record = parts.tokenRecords().get(digest);
    if (record === undefined) throw new VaultProxyError("unauthorized", "this token was revoked");
    return record;
  };

  const reserve = async ({ id, digest, action }: Asked<"reserve">): Promise<void> => {
    try {
      const grant = parts.authorizer.authorize(tokenOf(digest), action);
      grants.set(id, grant);
      await grant.ready;
      send({ type: "reserved", id });
    } catch (thrown) {
      release(id);
      send({ type: "reserved", id, error: toErrorMessage(toVaultProxyError(thrown)) });
    }
  };
  const release = (id: number): void => {
    grants.get(id)?.release();
    grants.delete(id);
  };

  const giveAccessToken = async ({ id, service, version, rejected }: Asked<"accessToken">): Promise<void> => {
    try {
      const record = parts.serviceOf(service, version);
      if (record === undefined) throw new VaultProxyError("conflict", "this service was changed: try again");
      const source = parts.accessTokens.boundTo(record as ServiceRecord);
      const token = rejected === undefined ? await source.current() : await source.replace(rejected);
      const secrets = source.searched();
      const isNews = searched.get(service) !== secrets;
      searched.set(service, secrets);
      send({
        ...{ type: "accessToken", id },
        ...(token === undefined ? {} : { token }),
        ...(isNews ? { searched: secrets.map(toSent) } : {}),
      });
    } catch (thrown) {
      send({ type: "accessToken", id, error: toErrorMessage(toVaultProxyError(thrown)) });
    }
  };

  /** Says that there is room for more as soon as there is, where enough was recorded since it was said last. */
  const confirm = async (): Promise<void> => {
    if (isConfirming) return;
    isConfirming = true;
    while (!isOver) {
      try {
        const room = parts.recorder.ready();
        if (room !== undefined) await room;
        break;
      } catch {
        // It was waited for already.
        setFull(true);
        await delay(WORKER_LIMITS.auditRetry, undefined, { ref: false });
      }
    }
    isConfirming = false;
    if (!isAuditFull && unconfirmed < WORKER_LIMITS.confirmedAtOnce) return;
    setFull(false);
    const count = unconfirmed;
    unconfirmed = 0;
    send({ type: "recorded", count });
  };
  const setFull = (isFull: boolean): void => {
    if (isFull !== isAuditFull) send({ type: "auditFull", isFull });
    isAuditFull = isFull;
  };

  const take = ({ entries, times, used, refused }: Asked<"batch">): void => {
    for (const [action, facts, details] of entries) {
      parts.recorder.record(action, facts, details);
    }
    for (const [service, added, connecting, upstream] of times) {
      parts.callMetrics.measured(service, { added, connecting, upstream });
    }
    if (!parts.isLocked()) for (const digest of used) parts.tokens.noteUse(digest);
    for (const code of refused) parts.eventMetrics.refusedAtTheDoor(code);
    unconfirmed += entries.length;
    if (entries.length > 0) void confirm();
  };

  const strike = ({ digest, cause, isOnce }: Asked<"strike">): void => {
    const record = parts.isLocked() ? undefined : parts.tokenRecords().get(digest);
    if (record !== undefined) {
      if (isOnce) parts.tokens.strikeOnce(record, cause);
      else parts.tokens.strike(record, cause);
    }
    if (!isOnce || typeof cause !== "string") return;
    // As `watchGuesses` makes it: the service, where the guess stood, and how long it was.
    const [service = "", at] = cause.split("/");
    if (at !== "inside") parts.onGuess(service);
  };

  return {
    hear(message) {
      switch (message.type) {
        case "batch":
          take(message);
          return;
        case "reserve":
          void reserve(message);
          return;
        case "release":
          release(message.id);
          return;
        case "accessToken":
          void giveAccessToken(message);
          return;
        case "strike":
          strike(message);
          send({ type: "struck", digest: message.digest });
          return;
        default:
      }
    },
    clear() {
      searched.clear();
    },
    end() {
      isOver = true;
      for (const id of [...grants.keys()]) release(id);
      searched.clear();
    },
  };
}

function toSent({ secret, forms }: SearchedSecret): SentSecret {
  return forms === undefined ? { secret: secret.reveal() } : { secret: secret.reveal(), forms };
}
