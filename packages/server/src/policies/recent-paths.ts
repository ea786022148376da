/** Paths whose answer is remembered. */
const PLACES = 8;
/** A longer one is not kept alive. */
const LONGEST_PATH = 512;

/**
 * What was found of the raw paths that were asked for last: callers ask for the same few again and again. A look costs a
 * comparison with each, nearly all of which end at the length.
 */
export class RecentPaths<T> {
  readonly #paths: string[] = [];
  readonly #found: T[] = [];
  #next = 0;

  get(path: string): T | undefined {
    const place = this.#paths.indexOf(path);
    return place < 0 ? undefined : this.#found[place];
  }

  /** In the place of the one that came first. */
  add(path: string, found: T): void {
    if (path.length > LONGEST_PATH) return;
    // A copy: a part of a string keeps the whole of it, and so the query of that request, in memory.
    this.#paths[this.#next] = Buffer.from(path, "utf8").toString("utf8");
    this.#found[this.#next] = found;
    this.#next = (this.#next + 1) % PLACES;
  }
}
