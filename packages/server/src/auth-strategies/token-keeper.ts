import pLimit from "p-limit";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { SearchedSecret } from "../scrubbing/secret-matcher.js";
import type { Collection } from "../vault/vault.js";
import type { AccessTokenSource, IssuingTools } from "./auth-strategy.js";
import { usableRecord } from "./imported-service.js";
import { REFRESH_LIMITS } from "./refresh-schedule.js";
import { sharesTokens } from "./same-credential.js";
import { renewalOf, type ServiceRecord } from "./service-definition.js";
import { TokenHolder } from "./token-holder.js";
import type { Inheritance, TokenEvents } from "./token-holder-parts.js";

export interface TokenKeeperParts {
  readonly services: Collection<ServiceRecord>;
  readonly tools: IssuingTools;
  /** 0 to 1. */
  readonly random: () => number;
  readonly events: TokenEvents;
}

/** The access tokens of all services whose credential expires. */
export interface TokenKeeper {
  /** The token of the service of that name, whatever becomes of it. */
  sourceOf(name: string): AccessTokenSource;
  /**
   * The token of a service as it was stored once, for those who send it where that record says. From when the service
   * has another destination or credential, by anything but a token refresh, no token is given any more: `conflict`.
   */
  boundTo(record: ServiceRecord): AccessTokenSource;
  /** When its token ends, in unix seconds; undefined if there is none. */
  expiresAt(name: string): number | undefined;
  /** The committed services, at unlock and after every change. */
  update(services: ReadonlyMap<string, ServiceRecord>): void;
  /** Resolves when no refresh is under way that was when this was called. Never rejects. */
  settle(): Promise<void>;
  /** Resolves when tokens that have come are saved, as far as saves of them are under way. Never rejects. */
  saved(): Promise<void>;
  /** Saves what could not be saved before, in the hope that there is room now. Never rejects. */
  saveAgain(): Promise<void>;
  /** The vault was locked: refreshes under way are abandoned without writing, timers stopped, tokens dropped. */
  clear(): void;
}

/** One and the same, so that it does not look like a change. */
const NOTHING: readonly SearchedSecret[] = [];

export function createTokenKeeper({ services, tools, random, events }: TokenKeeperParts): TokenKeeper {
  /** By name, with the stored record that each was made for or took over last. */
  const holders = new Map<string, { holder: TokenHolder; stored: ServiceRecord }>();
  const limit = pLimit(REFRESH_LIMITS.concurrent);

  /** Of services whose credential was changed: a refresh of theirs is still under way. */
  const retiring = new Set<TokenHolder>();

  const retire = async (holder: TokenHolder): Promise<Inheritance | undefined> => {
    retiring.add(holder);
    try {
      return await holder.retire();
    } finally {
      retiring.delete(holder);
    }
  };

  const make = (stored: ServiceRecord, before: TokenHolder | undefined): TokenHolder | undefined => {
    const record = usable(stored);
    const renewal = record === undefined ? undefined : renewalOf(record);
    if (record === undefined || renewal === undefined) return undefined;
    return new TokenHolder(record, {
      renewal,
      tools,
      random,
      events,
      predecessor: before === undefined ? undefined : retire(before),
      queue: (task) => limit(task),
      save: (update) => save(services, stored.name, update),
    });
  };

  const holderOf = (name: string): TokenHolder => {
    const known = holders.get(name);
    if (known === undefined) throw new VaultProxyError("not_found", "no such service");
    return known.holder;
  };

  return {
    sourceOf: (name) => ({
      current: () => holderOf(name).current(),
      replace: (rejected) => holderOf(name).replace(rejected),
      searched: () => holders.get(name)?.holder.searched() ?? NOTHING,
    }),
    boundTo(record) {
      const { name } = record;
      /** The last one that was found to share its tokens: every call looks. */
      let seen = record;
      const isBound = (): boolean => {
        const stored = holders.get(name)?.stored;
        if (stored === seen) return true;
        if (stored === undefined || !sharesTokens(record, stored)) return false;
        seen = stored;
        return true;
      };
      const assertBound = (): void => {
        if (!isBound()) throw new VaultProxyError("conflict", "this service was changed: try again");
      };
      return {
        current() {
          const holder = holderOf(name);
          assertBound();
          const token = holder.current();
          if (typeof token === "string") return token;
          return token.then((value) => {
            // What a retired holder still gives is of the credential that it was asked for.
            if (holders.get(name)?.holder === holder) assertBound();
            return value;
          });
        },
        async replace(rejected) {
          if (!isBound()) return undefined;
          const token = await holderOf(name).replace(rejected);
          return isBound() ? token : undefined;
        },
        searched: () => holders.get(name)?.holder.searched() ?? NOTHING,
      };
    },
    expiresAt: (name) => holders.get(name)?.holder.expiresAt,
    update(records) {
      for (const [name, { holder }] of holders) {
        if (records.has(name)) continue;
        holder.stop(new VaultProxyError("not_found", "this service was deleted"));
        holders.delete(name);
      }
      for (const [name, stored] of records) {
        const known = holders.get(name);
        if (known?.stored === stored) continue;
        // A record of another type leaves nothing to take over.
        if (known === undefined && renewalOf(stored) === undefined) continue;
        const record = usable(stored);
        if (known !== undefined && record !== undefined && known.holder.adopt(record)) {
          known.stored = stored;
          continue;
        }
        holders.delete(name);
        const holder = make(stored, known?.holder);
        if (holder !== undefined) holders.set(name, { holder, stored });
        else known?.holder.stop(new VaultProxyError("conflict", "this service was changed"));
      }
    },
    async saveAgain() {
      await Promise.all([...holders.values()].map(({ holder }) => holder.saveAgain()));
    },
    async saved() {
      const all = [...[...holders.values()].map(({ holder }) => holder), ...retiring];
      await Promise.all(all.map((holder) => holder.saved()));
    },
    async settle() {
      const all = [...[...holders.values()].map(({ holder }) => holder), ...retiring];
      await Promise.all(all.map((holder) => holder.settle()));
    },
    clear() {
      const reason = new VaultProxyError("vault_locked", "the vault was locked");
      for (const { holder } of holders.values()) holder.stop(reason);
      for (const holder of retiring) holder.stop(reason);
      holders.clear();
      limit.clearQueue();
    },
  };
}

async function save(
  services: Collection<ServiceRecord>,
  name: string,
  update: (stored: ServiceRecord) => ServiceRecord | undefined,
): Promise<boolean> {
  return services.change((records) => {
    const stored = records.get(name);
    const record = stored === undefined ? undefined : usable(stored);
    const updated = record === undefined ? undefined : update(record);
    if (updated === undefined) return false;
    records.set(name, updated);
    return true;
  });
}

/** @returns undefined for a record that this version cannot use */
function usable(stored: ServiceRecord): ServiceRecord | undefined {
  try {
    return usableRecord(stored);
  } catch (error) {
    if (error instanceof VaultProxyError) return undefined;
    throw error;
  }
}
