/** What can be in a {@link LiveList}, of which it can be in one at a time. */
export interface LiveItem {
  /** Its index in the list; {@link NOWHERE} while it is in none. For the list to change. */
  place: number;
}

export const NOWHERE = -1;

/**
 * What lives now, in no order, where every call is added and removed.
 *
 * Not a `Set`: that leaves its table behind every few dozen removals, and each table points at the next one. Once one of them
 * is in V8's old generation, all that follow, and every item that was in them, survive until the next full collection.
 */
export class LiveList<T extends LiveItem> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** @throws {RangeError} for an item that is in a list already */
  add(item: T): void {
    if (item.place !== NOWHERE) throw new RangeError("this item is in a list already");
    item.place = this.#items.length;
    this.#items.push(item);
  }

  /** @returns whether it was in this list */
  delete(item: T): boolean {
    if (this.#items[item.place] !== item) return false;
    const last = this.#items.pop();
    if (last !== undefined && last !== item) {
      this.#items[item.place] = last;
      last.place = item.place;
    }
    item.place = NOWHERE;
    return true;
  }

  /** Those of this moment, whatever is added or removed while they are looked at. */
  snapshot(): T[] {
    return [...this.#items];
  }
}
