interface Step<T> {
  readonly key: string;
  /** What stood there before; undefined for nothing, since no record is undefined. */
  readonly before: T | undefined;
}

/**
 * A private copy of a Map whose last change can be taken back, so that many changes can share one copy. It takes
 * changes only between {@link JournaledMap.open} and {@link JournaledMap.seal}, so that who keeps it after its change,
 * or after the commit, cannot alter it.
 *
 * Taking back a deletion puts the entry at the end: the order of entries means nothing.
 */
export class JournaledMap<T extends object> extends Map<string, T> {
  #journal: Step<T>[] = [];
  #changed = false;
  #open = false;

  constructor(base: Iterable<readonly [string, T]>) {
    super();
    for (const [key, value] of base) super.set(key, value);
  }

  /** Whether any kept step changed the copy. */
  get isChanged(): boolean {
    return this.#changed;
  }

  override set(key: string, value: T): this {
    this.#record(key);
    return super.set(key, value);
  }

  override delete(key: string): boolean {
    if (!this.has(key)) return false;
    this.#record(key);
    return super.delete(key);
  }

  override clear(): void {
    for (const key of [...this.keys()]) this.delete(key);
  }

  /** Keys that steps since the last keep or rollback have touched. */
  touchedKeys(): ReadonlySet<string> {
    return new Set(this.#journal.map(({ key }) => key));
  }

  keep(): void {
    this.#changed ||= this.#journal.length > 0;
    this.#journal = [];
  }

  rollback(): void {
    for (const { key, before } of this.#journal.reverse()) {
      if (before === undefined) super.delete(key);
      else super.set(key, before);
    }
    this.#journal = [];
  }

  open(): void {
    this.#open = true;
  }

  seal(): void {
    this.#open = false;
  }

  #record(key: string): void {
    if (!this.#open) throw new TypeError("records change only inside a change");
    this.#journal.push({ key, before: this.get(key) });
  }
}
