import type { ServiceRecord } from "../auth-strategies/service-definition.js";
import type { StoredPolicy } from "../authorization/authorizer.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { PolicyContent } from "../policies/policy-schema.js";
import type { TokenRecord } from "../tokens/token-record.js";
import { ancestorsOf } from "../tokens/token-tree.js";
import { decodeRecord } from "../vault/record-codec.js";
import { countingOf, moreCounted, withoutLimits, type Counting } from "./counted-policy.js";
import type { MirroredCollection, OwnerMessage, SentRecord } from "./messages.js";

type RecordsMessage = Extract<OwnerMessage, { type: "records" }>;

/** Of a token that is gone, or that its ancestors are. */
const UNKNOWN: Counting = "all";

/**
 * A worker's copy of what the vault holds, as far as calls need it. The policies, those of tokens too, are without their
 * limits: what is counted is the owner's business.
 */
export interface VaultReplica {
  readonly isLocked: boolean;
  /** Throws `vault_locked` while locked, as the other two do. */
  readonly services: ReadonlyMap<string, ServiceRecord>;
  /** Without the time that a token may be left unused, which the owner watches. */
  readonly tokens: ReadonlyMap<string, TokenRecord>;
  readonly policies: ReadonlyMap<string, StoredPolicy>;
  /** Whether only the owner can tell if this token is good. */
  isWatched(digest: string): boolean;
  /** What has to be counted of a call of this token. */
  countingOf(token: TokenRecord): Counting;
  /** The version of a service's record; undefined if there is none. */
  versionOf(service: string): number | undefined;
  /** @returns the names that changed or are gone */
  apply(message: RecordsMessage): readonly string[];
  unlock(): void;
  suspend(digests: readonly string[]): void;
  /** Drops everything. */
  lock(): void;
}

export function createVaultReplica(): VaultReplica {
  let isLocked = true;
  let services = new Map<string, ServiceRecord>();
  let versions = new Map<string, number>();
  let tokens = new Map<string, TokenRecord>();
  let policies = new Map<string, StoredPolicy>();
  let countedPolicies = new Map<string, Counting>();
  let countedTokens = new Map<string, Counting>();
  let watched = new Set<string>();

  const put: Record<MirroredCollection, (name: string, version: number, record: object) => void> = {
    services(name, version, record) {
      services.set(name, record as ServiceRecord);
      versions.set(name, version);
    },
    tokens(digest, _version, record) {
      const { idle_timeout_ms, rules, ...token } = record as TokenRecord;
      if (idle_timeout_ms === undefined) watched.delete(digest);
      else watched.add(digest);
      if (rules === undefined) {
        countedTokens.delete(digest);
        tokens.set(digest, token);
        return;
      }
      countedTokens.set(digest, countingOf(rules as PolicyContent));
      tokens.set(digest, { ...token, rules: withoutLimits(rules as PolicyContent) });
    },
    policies(name, _version, record) {
      countedPolicies.set(name, countingOf(record as PolicyContent));
      policies.set(name, withoutLimits(record as PolicyContent));
    },
  };
  const remove: Record<MirroredCollection, (name: string) => void> = {
    services(name) {
      services.delete(name);
      versions.delete(name);
    },
    tokens(digest) {
      for (const each of [tokens, countedTokens, watched]) each.delete(digest);
    },
    policies(name) {
      for (const each of [policies, countedPolicies]) each.delete(name);
    },
  };
  const open = <T>(records: ReadonlyMap<string, T>): ReadonlyMap<string, T> => {
    if (isLocked) throw new VaultProxyError("vault_locked", "the vault is locked");
    return records;
  };
  const ownCounting = ({ digest, policy }: TokenRecord): Counting => {
    const own = countedTokens.get(digest);
    if (own !== undefined) return own;
    // A policy that is gone allows nothing, which needs no counting.
    return policy === undefined ? "nothing" : (countedPolicies.get(policy) ?? "nothing");
  };

  return {
    get isLocked() {
      return isLocked;
    },
    get services() {
      return open(services);
    },
    get tokens() {
      return open(tokens);
    },
    get policies() {
      return open(policies);
    },
    isWatched: (digest) => watched.has(digest),
    countingOf(token) {
      if (token.policy === undefined && token.rules === undefined && token.parent === undefined)
        return "nothing";
      const ancestors = ancestorsOf(token, (digest) => tokens.get(digest));
      if (ancestors === undefined) return UNKNOWN;
      return ancestors.map(ownCounting).reduce(moreCounted, ownCounting(token));
    },
    versionOf: (service) => versions.get(service),
    apply({ collection, set, removed }) {
      for (const [name, version, text] of set) put[collection](name, version, decoded(text));
      for (const name of removed) remove[collection](name);
      return [...set.map(nameOf), ...removed];
    },
    unlock() {
      isLocked = false;
    },
    suspend(digests) {
      const suspended_at = new Date().toISOString();
      for (const digest of digests) {
        const record = tokens.get(digest);
        if (record !== undefined) tokens.set(digest, { ...record, suspended_at });
      }
    },
    lock() {
      isLocked = true;
      // Others, so that nobody who still has one of them sees what comes after the next unlock.
      services = new Map();
      versions = new Map();
      tokens = new Map();
      policies = new Map();
      countedPolicies = new Map();
      countedTokens = new Map();
      watched = new Set();
    },
  };
}

function nameOf([name]: SentRecord): string {
  return name;
}

function decoded(text: string): object {
  return decodeRecord(JSON.parse(text));
}
