import type { AuditAction } from "../audit/audit-action.js";
import type { AuditFacts } from "../audit/audit-entry.js";
import type { ServerConfig } from "../config/server-config.js";
import type { ErrorCode } from "../errors/error-codes.js";
import type { Action } from "../policies/action.js";
import type { FormSet } from "../scrubbing/secret-forms.js";
import type { StrikeCause } from "../tokens/token-strikes.js";
import type { ErrorMessage } from "./error-message.js";

/*
 * What the owner of the vault and a worker tell each other, over the channel that the worker inherits. The messages of
 * each direction arrive in the order in which they were sent; everything here relies on that.
 */

/** What a worker needs before it can serve anything. */
export interface WorkerSettings extends Pick<
  ServerConfig,
  "tls" | "allowedHosts" | "logFormat" | "logLevel"
> {
  /** `--http-proxy`, which may hold a password. */
  readonly egressProxy: string | undefined;
  readonly isUnixSocket: boolean;
  /** Connections of callers that it may have. */
  readonly maxConnections: number;
  /** The socket on which the owner takes relayed requests, and what a connection there has to begin with (hexadecimal). */
  readonly relay: { readonly path: string; readonly key: string };
  /** From which the identities of secrets are made: the same ones in every process (hexadecimal). */
  readonly scanSeed: string;
}

/** The collections that a worker has a copy of. */
export const MIRRORED = ["services", "tokens", "policies"] as const;
export type MirroredCollection = (typeof MIRRORED)[number];

/** A record as it crosses: its name, its number among all versions of all records, and its text (`encodeRecord`). */
export type SentRecord = readonly [name: string, version: number, text: string];

/** To a worker. */
export type OwnerMessage =
  | { readonly type: "start"; readonly settings: WorkerSettings }
  | {
      readonly type: "records";
      readonly collection: MirroredCollection;
      readonly set: readonly SentRecord[];
      readonly removed: readonly string[];
    }
  /** All records have come. */
  | { readonly type: "unlocked" }
  | { readonly type: "locked" }
  /** Tokens that are refused from now on, whatever their records say. */
  | { readonly type: "suspended"; readonly digests: readonly string[] }
  /** Whether there are tokens that could not be saved: only the owner knows them. */
  | { readonly type: "unsavedTokens"; readonly exist: boolean }
  /** Ends the calls of a token. */
  | { readonly type: "end"; readonly digest: string; readonly reason: ErrorMessage }
  /** A connection of a caller comes with it. */
  | { readonly type: "connection" }
  | { readonly type: "ping"; readonly id: number }
  /** Of a reservation; without an error it is granted. */
  | { readonly type: "reserved"; readonly id: number; readonly error?: ErrorMessage }
  | { readonly type: "struck"; readonly digest: string }
  | {
      readonly type: "accessToken";
      readonly id: number;
      readonly token?: string;
      readonly error?: ErrorMessage;
      /** All secrets of the service that are not in its record; undefined if they are those of before. */
      readonly searched?: readonly SentSecret[];
    }
  /** So many entries more are in the log. */
  | { readonly type: "recorded"; readonly count: number }
  /** Whether entries find no room. */
  | { readonly type: "auditFull"; readonly isFull: boolean }
  /** A part of a secret stood in an answer of the service, at the edge of a part of a document. */
  | { readonly type: "guess"; readonly service: string }
  /** Take no connections any more, let what runs end, say the rest and go. */
  | { readonly type: "stop" };

export interface SentSecret {
  readonly secret: string;
  readonly forms?: FormSet;
}

export type SentEntry = readonly [
  action: AuditAction,
  facts: AuditFacts,
  details?: Readonly<Record<string, unknown>>,
];

/** Seconds: what the vault added, of that the wait for a connection, and what the upstream took. */
export type SentTimes = readonly [service: string, added: number, connecting: number, upstream: number];

/** What a worker has to tell that nobody waits for, gathered for a few milliseconds. */
export interface Batch {
  readonly entries: readonly SentEntry[];
  readonly times: readonly SentTimes[];
  /** Digests of tokens that were shown. */
  readonly used: readonly string[];
  /** Codes of refusals that no route saw. */
  readonly refused: readonly ErrorCode[];
}

/** To the owner. */
export type WorkerMessage =
  /** The program runs. */
  | { readonly type: "loaded" }
  /** It can take connections. */
  | { readonly type: "ready" }
  /** The next connection has come, and will be read from now on. */
  | { readonly type: "taken" }
  | { readonly type: "pong"; readonly id: number; readonly connections: number; readonly calls: number }
  | ({ readonly type: "batch" } & Batch)
  | { readonly type: "reserve"; readonly id: number; readonly digest: string; readonly action: Action }
  | { readonly type: "release"; readonly id: number }
  | {
      readonly type: "strike";
      readonly digest: string;
      readonly cause: StrikeCause;
      /** However often it is done, it is one time. */
      readonly isOnce: boolean;
    }
  | {
      readonly type: "accessToken";
      readonly id: number;
      readonly service: string;
      /** Of the service's record that the worker goes by. */
      readonly version: number;
      /** The token that the upstream refused; undefined for the one at hand. */
      readonly rejected?: string;
    }
  /** The last word: all that it had to tell was told. */
  | { readonly type: "left" };
