import type { Adapter, Payload } from "oidc-provider";

interface Entry {
  payload: Payload;
  readonly expiresAt: number;
}

/** What one provider has issued; each provider has a store of its own, and forgets only what has expired. */
export class ProviderStore {
  readonly #entries = new Map<string, Entry>();

  /** How `oidc-provider` reaches it: one adapter for each kind of thing ("AccessToken", "RefreshToken", "Grant", …). */
  readonly adapterFor = (kind: string): Adapter => {
    const keyOf = (id: string): string => `${kind}:${id}`;
    const find = (id: string): Payload | undefined => this.#live(keyOf(id));
    const findBy = (matches: (payload: Payload) => boolean): Payload | undefined => {
      for (const key of this.#entries.keys()) {
        const payload = key.startsWith(`${kind}:`) ? this.#live(key) : undefined;
        if (payload !== undefined && matches(payload)) return payload;
      }
      return undefined;
    };
    return {
      upsert: (id, payload, expiresIn = Infinity) => {
        this.#entries.set(keyOf(id), { payload, expiresAt: Date.now() + expiresIn * 1000 });
        return Promise.resolve();
      },
      find: (id) => Promise.resolve(find(id)),
      findByUid: (uid) => Promise.resolve(findBy((payload) => payload.uid === uid)),
      findByUserCode: (userCode) => Promise.resolve(findBy((payload) => payload.userCode === userCode)),
      consume: (id) => {
        const entry = this.#entries.get(keyOf(id));
        if (entry !== undefined)
          entry.payload = { ...entry.payload, consumed: Math.floor(Date.now() / 1000) };
        return Promise.resolve();
      },
      destroy: (id) => {
        this.#entries.delete(keyOf(id));
        return Promise.resolve();
      },
      revokeByGrantId: (grantId) => {
        for (const [key, { payload }] of this.#entries)
          if (payload.grantId === grantId) this.#entries.delete(key);
        return Promise.resolve();
      },
    };
  };

  /** Forgets all of a kind, as a provider does that has lost, or has revoked, them. */
  forget(kind: "AccessToken" | "RefreshToken" | "ClientCredentials" | "Grant"): void {
    for (const key of this.#entries.keys()) if (key.startsWith(`${kind}:`)) this.#entries.delete(key);
  }

  /** How many of a kind are alive. */
  count(kind: string): number {
    return [...this.#entries.keys()].filter(
      (key) => key.startsWith(`${kind}:`) && this.#live(key) !== undefined,
    ).length;
  }

  #live(key: string): Payload | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && entry.expiresAt > Date.now() ? entry.payload : undefined;
  }
}
