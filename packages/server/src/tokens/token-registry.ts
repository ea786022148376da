import { timingSafeEqual } from "node:crypto";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { digestToken, isToken, newToken, tokenPrefix } from "./token-format.js";
import type { TokenRecord, TokenScope } from "./token-record.js";

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
}

export interface IssuedToken {
  /** The token itself; this is the only time that it exists outside its holder. */
  readonly id: string;
  readonly record: TokenRecord;
}

/** A record as `GET /tokens` lists it. */
export interface ListedToken extends TokenRecord {
  /** RFC 3339; absent if the token was not used since the server started. */
  readonly last_used_at?: string;
}

export interface TokenRegistry {
  /** Saves a new token, and drops expired ones on the way. */
  issue(request: TokenRequest): Promise<IssuedToken>;
  /** The record of a presented token, or undefined if it is malformed, unknown or expired. */
  authenticate(presented: string): TokenRecord | undefined;
  list(): ListedToken[];
  /**
   * Revokes by the whole token or by a unique prefix of what `GET /tokens` shows (a trailing `...` is accepted).
   * Rejects with `not_found` or, for a prefix of several tokens, `conflict`.
   */
  revoke(tokenOrPrefix: string): Promise<TokenRecord>;
  revokeAll(): Promise<void>;
}

export interface TokenRegistryOptions {
  readonly store: TokenStore;
  readonly randomBytes: (size: number) => Buffer;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Told of each token that stops being valid by revocation, after that is saved. */
  readonly onRevoked: (record: TokenRecord) => void;
}

const MIN_REVOKE_PREFIX_LENGTH = "tok_".length + 1;

export function createTokenRegistry(options: TokenRegistryOptions): TokenRegistry {
  const { store, clock } = options;
  const lastUsed = new Map<string, number>();

  const isExpired = (record: TokenRecord): boolean => Date.parse(record.expires_at) <= clock();

  function findForRevocation(tokenOrPrefix: string, records: ReadonlyMap<string, TokenRecord>): TokenRecord {
    const wanted = tokenOrPrefix.replace(/\.\.\.$/, "");
    const matches = isToken(wanted)
      ? [records.get(digestToken(wanted))].filter((record) => record !== undefined)
      : wanted.length < MIN_REVOKE_PREFIX_LENGTH
        ? []
        : [...records.values()].filter((record) => record.id_prefix.startsWith(wanted));
    const [match] = matches;
    if (match === undefined) throw new VaultProxyError("not_found", "no such token");
    if (matches.length > 1) {
      throw new VaultProxyError("conflict", `this prefix fits ${matches.length} tokens: give more of it`);
    }
    return match;
  }

  return {
    async issue({ scope, name, expiresAt }) {
      const id = newToken(options.randomBytes);
      const record: TokenRecord = {
        digest: digestToken(id),
        id_prefix: tokenPrefix(id),
        scope,
        ...(name === undefined ? {} : { name }),
        created_at: new Date(clock()).toISOString(),
        expires_at: new Date(expiresAt).toISOString(),
      };
      await store.change((records) => {
        for (const [digest, other] of records) {
          if (!isExpired(other)) continue;
          records.delete(digest);
          lastUsed.delete(digest);
        }
        records.set(record.digest, record);
      });
      return { id, record };
    },

    authenticate(presented) {
      if (!isToken(presented)) return undefined;
      const digest = digestToken(presented);
      const record = store.records.get(digest);
      if (record === undefined || isExpired(record)) return undefined;
      if (!timingSafeEqual(Buffer.from(record.digest), Buffer.from(digest))) return undefined;
      lastUsed.set(digest, clock());
      return record;
    },

    list() {
      return [...store.records.values()]
        .filter((record) => !isExpired(record))
        .map((record) => {
          const used = lastUsed.get(record.digest);
          return used === undefined ? record : { ...record, last_used_at: new Date(used).toISOString() };
        });
    },

    async revoke(tokenOrPrefix) {
      const revoked = await store.change((records) => {
        const record = findForRevocation(tokenOrPrefix, records);
        records.delete(record.digest);
        return record;
      });
      lastUsed.delete(revoked.digest);
      options.onRevoked(revoked);
      return revoked;
    },

    async revokeAll() {
      const revoked = await store.change((records) => {
        const all = [...records.values()];
        records.clear();
        return all;
      });
      lastUsed.clear();
      revoked.forEach(options.onRevoked);
    },
  };
}
