import { timingSafeEqual } from "node:crypto";
import type { ErrorCode } from "../errors/error-codes.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { digestToken, isToken, newToken, TOKEN_START, tokenPrefix } from "./token-format.js";
import { assertMayHaveChild, assertRulesFit } from "./token-child.js";
import type { TokenRecord, TokenScope } from "./token-record.js";
import { createTokenStrikes, type StrikeCause } from "./token-strikes.js";
import { ancestorsOf, descendantsOf } from "./token-tree.js";
import { createTokenUse, idleSentence } from "./token-use.js";

/** What the registry needs of the vault: the committed records by digest, and a durable change. */
export interface TokenStore {
  readonly records: ReadonlyMap<string, TokenRecord>;
  change<R>(mutate: (records: Map<string, TokenRecord>) => R): Promise<R>;
}

export interface TokenRequest {
  readonly scope: TokenScope;
  readonly name?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** Milliseconds that it may be left unused. */
  readonly idleTimeoutMs?: number | undefined;
  /** The digest of the token that asks for this one; absent where a password did. */
  readonly issuedBy?: string;
  /** The name of a stored policy, or a policy of the token's own: not both. */
  readonly policy?: string | undefined;
  readonly rules?: object | undefined;
  /** Makes it a child of the token with this digest: it is not valid for longer, and only while that one is. */
  readonly parent?: string | undefined;
  /** Where the store cannot save the token, it is valid all the same until this process ends. */
  readonly evenUnsaved?: boolean;
}

export interface IssuedToken {
  /** The token itself; this is the only time that it exists outside its holder. */
  readonly id: string;
  readonly record: TokenRecord;
  /** False for a token that is in memory only. */
  readonly isSaved: boolean;
}

export interface RevokedToken {
  readonly record: TokenRecord;
  /** How many tokens that descend from it went with it. */
  readonly descendants: number;
}

/** A record as `GET /tokens` lists it. */
export interface ListedToken extends TokenRecord {
  /** RFC 3339; absent if the token was not used since the server started. */
  readonly last_used_at?: string;
}

export interface TokenRegistry {
  /**
   * Saves a new token, and drops expired ones on the way. Rejects with `unauthorized` if `issuedBy` is not valid any
   * more when the token is saved, and with `unavailable` while all tokens are revoked. For a child: the same with
   * `unauthorized` for its parent, `forbidden` if it would be one generation too many, `conflict` if there are too many or
   * their policies too large. With `invalid_request` for a policy of its own that is too large.
   */
  issue(request: TokenRequest): Promise<IssuedToken>;
  /**
   * The record of a presented token, or undefined if it, or one that it descends from, is malformed, unknown or expired.
   *
   * @throws {VaultProxyError} `token_suspended`, also for a token that descends from a suspended one; `unauthorized`
   *   for one that was left unused for too long
   */
  authenticate(presented: string): TokenRecord | undefined;
  /** Notes that a token was shown to another process of this server. */
  noteUse(digest: string): void;
  /** Whether there are tokens that are in memory only. */
  readonly hasUnsaved: boolean;
  /** A token and those that it descends from, the nearest first. @throws {VaultProxyError} `unauthorized` if one is gone */
  lineage(record: TokenRecord): readonly TokenRecord[];
  /**
   * Notes that a token did what an honest program does not do. After the third time it is suspended: at once, and for
   * good once that is saved. A token of scope admin is not, since its holder could lift that again. For a token that
   * descends from another, it is the first of them that is suspended, and all that descend from it.
   *
   * @param cause what it was about: the same within a minute is one time
   */
  strike(record: TokenRecord, cause: StrikeCause): void;
  /** The same for what is one time however often it is done. */
  strikeOnce(record: TokenRecord, cause: StrikeCause): void;
  /** Lifts a suspension. Finds the token, and rejects, as {@link TokenRegistry.revoke} does. */
  resume(tokenOrPrefix: string): Promise<TokenRecord>;
  list(): ListedToken[];
  /**
   * Revokes by the whole token or by a unique prefix of what `GET /tokens` shows (a trailing `...` is accepted); with it
   * all tokens that descend from it, whose number comes back. Rejects with `not_found` or, for a prefix of several
   * tokens, `conflict`.
   */
  revoke(tokenOrPrefix: string): Promise<RevokedToken>;
  /** The same for the token with this digest. Rejects with `not_found` if it is gone already. */
  revokeRecord(digest: string): Promise<RevokedToken>;
  /**
   * Revokes every token, then runs `andThen`. From its start until `andThen` has ended no token is issued, so that
   * none outlives, for example, the locking of the vault.
   */
  revokeAll(andThen?: () => Promise<void>): Promise<void>;
}

export interface TokenRegistryOptions {
  readonly store: TokenStore;
  readonly randomBytes: (size: number) => Buffer;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Told of each token that stops being valid by revocation, after that is saved. */
  readonly onRevoked: (record: TokenRecord) => void;
  /** Told of each token that is suspended, at once, and of those that descend from it: they are refused as well. */
  readonly onSuspended: (record: TokenRecord, descendants: readonly TokenRecord[]) => void;
  /** A suspension could not be saved: it ends with this process. */
  readonly onUnsavedSuspension: (record: TokenRecord, error: unknown) => void;
}

const NOT_SAVED: ReadonlySet<string> = new Set<ErrorCode>(["storage_full", "storage_failed"]);

const notValid = (): VaultProxyError =>
  new VaultProxyError("unauthorized", "the token is not valid: unknown, expired or revoked");

const noSuchToken = (): VaultProxyError => new VaultProxyError("not_found", "no such token");

export function createTokenRegistry(options: TokenRegistryOptions): TokenRegistry {
  const { store, clock } = options;
  const use = createTokenUse(clock, () => performance.now());
  const unsaved = new Map<string, TokenRecord>();
  const strikes = createTokenStrikes(clock);
  let revocationsOfAll = 0;

  const isExpired = (record: TokenRecord): boolean => Date.parse(record.expires_at) <= clock();

  /** RFC 3339. Known before it is saved. */
  function suspensionOf({ digest, suspended_at }: TokenRecord): string | undefined {
    const since = strikes.outSince(digest);
    return suspended_at ?? (since === undefined ? undefined : new Date(since).toISOString());
  }

  function dropExpired(records: Map<string, TokenRecord>): void {
    for (const [digest, record] of records) {
      if (!isExpired(record)) continue;
      records.delete(digest);
      use.forget(digest);
    }
  }

  function assertMayIssue(issuedBy: string | undefined, records: ReadonlyMap<string, TokenRecord>): void {
    if (revocationsOfAll > 0) {
      throw new VaultProxyError("unavailable", "all tokens are being revoked", { retryAfterSeconds: 1 });
    }
    if (issuedBy === undefined) return;
    const issuer = records.get(issuedBy) ?? unsaved.get(issuedBy);
    if (issuer === undefined || !isAlive(issuer, (digest) => records.get(digest))) throw notValid();
  }

  /** Whether it is not idle, and neither it nor one that it descends from has expired or is gone. */
  function isAlive(record: TokenRecord, find: (digest: string) => TokenRecord | undefined): boolean {
    if (isExpired(record) || use.isIdle(record)) return false;
    return (
      record.parent === undefined || ancestorsOf(record, find)?.every((each) => !isExpired(each)) === true
    );
  }

  /** The record as it may be saved: a child is valid no longer than its parent. */
  function fitToParent(record: TokenRecord, records: ReadonlyMap<string, TokenRecord>): TokenRecord {
    if (record.parent === undefined) return record;
    const parent = records.get(record.parent);
    if (parent === undefined || !isAlive(parent, (digest) => records.get(digest))) throw notValid();
    assertMayHaveChild(parent, record, records, isExpired);
    return Date.parse(record.expires_at) > Date.parse(parent.expires_at)
      ? { ...record, expires_at: parent.expires_at }
      : record;
  }

  function findToken(tokenOrPrefix: string, records: readonly TokenRecord[]): TokenRecord {
    const wanted = tokenOrPrefix.replace(/\.\.\.$/, "");
    const digest = isToken(wanted) ? digestToken(wanted) : undefined;
    const matches = records.filter((record) =>
      digest === undefined
        ? wanted.startsWith(TOKEN_START) && record.id_prefix.startsWith(wanted) && !isExpired(record)
        : record.digest === digest,
    );
    const [match] = matches;
    if (match === undefined) throw noSuchToken();
    if (matches.length > 1) {
      throw new VaultProxyError("conflict", `this prefix fits ${matches.length} tokens: give more of it`);
    }
    return match;
  }

  async function revokeFound(find: (records: readonly TokenRecord[]) => TokenRecord): Promise<RevokedToken> {
    const [revoked, ...descendants] = await store.change((records): [TokenRecord, ...TokenRecord[]] => {
      const record = find([...records.values(), ...unsaved.values()]);
      const descendants = descendantsOf(record.digest, records.values());
      if (!unsaved.delete(record.digest)) records.delete(record.digest);
      for (const { digest } of descendants) records.delete(digest);
      return [record, ...descendants];
    });
    for (const record of [revoked, ...descendants]) {
      use.forget(record.digest);
      strikes.forget(record.digest);
      options.onRevoked(record);
    }
    return { record: revoked, descendants: descendants.length };
  }

  function suspend(record: TokenRecord): void {
    options.onSuspended(record, descendantsOf(record.digest, store.records.values()));
    const suspended = { ...record, suspended_at: new Date(clock()).toISOString() };
    if (unsaved.has(record.digest)) {
      unsaved.set(record.digest, suspended);
      return;
    }
    const isSaved = store.change((records) => {
      if (records.has(record.digest)) records.set(record.digest, suspended);
    });
    isSaved.catch((error: unknown) => options.onUnsavedSuspension(record, error));
  }

  /** Counts for the token that all the others descend from: else a token would have three more with each child. */
  function strikeFamily(record: TokenRecord, cause: StrikeCause, repeatMs?: number): void {
    const first = ancestorsOf(record, (digest) => store.records.get(digest))?.at(-1) ?? record;
    if (first.scope !== "admin" && strikes.add(first.digest, cause, repeatMs)) suspend(first);
  }

  return {
    async issue(request) {
      const { scope, name, expiresAt, idleTimeoutMs, issuedBy, policy, rules, parent } = request;
      const id = newToken(options.randomBytes);
      const record: TokenRecord = {
        digest: digestToken(id),
        id_prefix: tokenPrefix(id),
        scope,
        ...(name === undefined ? {} : { name }),
        created_at: new Date(clock()).toISOString(),
        expires_at: new Date(expiresAt).toISOString(),
        ...(idleTimeoutMs === undefined ? {} : { idle_timeout_ms: idleTimeoutMs }),
        ...(policy === undefined ? {} : { policy }),
        ...(rules === undefined ? {} : { rules }),
        ...(parent === undefined ? {} : { parent }),
      };
      assertRulesFit(record);
      try {
        const saved = await store.change((records) => {
          assertMayIssue(issuedBy, records);
          const fitted = fitToParent(record, records);
          dropExpired(records);
          records.set(fitted.digest, fitted);
          return fitted;
        });
        return { id, record: saved, isSaved: true };
      } catch (error) {
        const isUnsaved = error instanceof VaultProxyError && NOT_SAVED.has(error.code);
        if (request.evenUnsaved !== true || !isUnsaved) throw error;
        // All tokens may have been revoked since the save began.
        assertMayIssue(issuedBy, store.records);
        dropExpired(unsaved);
        unsaved.set(record.digest, record);
        return { id, record, isSaved: false };
      }
    },

    authenticate(presented) {
      if (!isToken(presented)) return undefined;
      const digest = digestToken(presented);
      const record = store.records.get(digest) ?? unsaved.get(digest);
      if (record === undefined || isExpired(record)) return undefined;
      if (!timingSafeEqual(Buffer.from(record.digest), Buffer.from(digest))) return undefined;
      const ancestors = ancestorsOf(record, (each) => store.records.get(each));
      if (ancestors === undefined || ancestors.some(isExpired)) return undefined;
      if ([record, ...ancestors].some((each) => suspensionOf(each) !== undefined)) {
        throw new VaultProxyError("token_suspended", "this token is suspended until an admin lifts it");
      }
      if (record.idle_timeout_ms !== undefined && use.isIdle(record)) {
        throw new VaultProxyError("unauthorized", idleSentence(record.idle_timeout_ms));
      }
      use.note(record);
      return record;
    },

    noteUse(digest) {
      const record = store.records.get(digest);
      if (record !== undefined) use.note(record);
    },

    get hasUnsaved() {
      return unsaved.size > 0;
    },

    lineage(record) {
      const ancestors = ancestorsOf(record, (digest) => store.records.get(digest));
      if (ancestors === undefined) throw notValid();
      return [record, ...ancestors];
    },

    strike(record, cause) {
      strikeFamily(record, cause);
    },

    strikeOnce(record, cause) {
      strikeFamily(record, cause, Infinity);
    },

    async resume(tokenOrPrefix) {
      const resumed = await store.change((records) => {
        const found = findToken(tokenOrPrefix, [...records.values(), ...unsaved.values()]);
        const { suspended_at: _, ...record } = found;
        (unsaved.has(record.digest) ? unsaved : records).set(record.digest, record);
        return record;
      });
      strikes.forget(resumed.digest);
      return resumed;
    },

    list() {
      return [...store.records.values(), ...unsaved.values()]
        .filter((record) => isAlive(record, (digest) => store.records.get(digest)))
        .map((record) => {
          const used = use.lastUsedAt(record.digest);
          const suspended = suspensionOf(record);
          return {
            ...record,
            ...(used === undefined ? {} : { last_used_at: new Date(used).toISOString() }),
            ...(suspended === undefined ? {} : { suspended_at: suspended }),
          };
        });
    },

    revoke: (tokenOrPrefix) => revokeFound((records) => findToken(tokenOrPrefix, records)),

    revokeRecord: (digest) =>
      revokeFound((records) => {
        const found = records.find((record) => record.digest === digest);
        if (found === undefined) throw noSuchToken();
        return found;
      }),

    async revokeAll(andThen) {
      revocationsOfAll += 1;
      try {
        const saved = await store.change((records) => {
          const all = [...records.values()];
          records.clear();
          return all;
        });
        const revoked = [...saved, ...unsaved.values()];
        unsaved.clear();
        use.clear();
        revoked.forEach(options.onRevoked);
        await andThen?.();
      } finally {
        revocationsOfAll -= 1;
      }
    },
  };
}
