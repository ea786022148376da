export const COLLECTION_NAMES = ["services", "tokens", "policies", "settings"] as const;

export type CollectionName = (typeof COLLECTION_NAMES)[number];

/** Named records of one kind. The vault keeps them without knowing their shape. */
export interface Collection<T extends object> {
  /**
   * The committed records, deeply frozen: the same Map until the next commit touches this collection.
   *
   * @throws {VaultProxyError} `vault_locked` while locked.
   */
  readonly records: ReadonlyMap<string, T>;
  /**
   * Applies `mutate` to a private copy at its turn, saves, makes the new state visible, tells subscribers, then
   * resolves with what `mutate` returned. `mutate` must be synchronous. If it throws, that change alone is dropped and
   * the promise rejects with its error. Records are immutable: replace, never modify. They may hold JSON values and
   * `Secret`s at any depth; anything else rejects with a TypeError. A record and what it holds is frozen.
   *
   * @throws {VaultProxyError} `vault_locked`; `storage_full` or `storage_failed` when the save failed, which leaves
   *   everything as it was.
   */
  change<R>(mutate: (records: Map<string, T>) => R): Promise<R>;
}
