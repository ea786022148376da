import { isUtf8 } from "node:buffer";
import { pathMatch } from "tough-cookie";
import { Secret } from "../redaction/secret.js";
import { isSearchable } from "../scrubbing/secret-forms.js";
import type { ChangingSecrets, SearchedSecret } from "../scrubbing/secret-matcher.js";
import { COOKIE_LIMITS } from "./cookie-limits.js";
import { readSetCookie, type CookieOrigin, type ReceivedCookie } from "./set-cookie.js";

interface KeptCookie extends ReceivedCookie {
  /** Grows with each new cookie; one that takes the place of another has that one's. */
  readonly creation: number;
}

/** The cookies of one service, in memory only. Nothing here throws, whatever the upstream sends. */
export class CookieJar {
  readonly #origin: CookieOrigin;
  readonly #clock: () => number;
  /** By domain, path and name; the one longest unused comes first. */
  readonly #cookies = new Map<string, KeptCookie>();
  #created = 0;
  /** Characters of all cookies. */
  #length = 0;
  #searched: readonly SearchedSecret[] | undefined;
  #isClosed = false;

  /** @param clock Unix milliseconds */
  constructor(origin: CookieOrigin, clock: () => number) {
    this.#origin = origin;
    this.#clock = clock;
  }

  get size(): number {
    return this.#cookies.size;
  }

  /** The values, as far as they are long enough to be searched for, and what they are an encoding of. */
  readonly searched: ChangingSecrets = () => (this.#searched ??= searchedOf(this.#cookies.values()));

  /**
   * Takes the cookies of an answer.
   * @param rawHeaders flat: name, value, name, value …
   * @param requestPath path of the request as it went out, without the query
   */
  take(rawHeaders: readonly Buffer[], requestPath: string): void {
    if (this.#isClosed) return;
    const now = this.#clock();
    for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
      const name = rawHeaders[index];
      if (name?.length !== "set-cookie".length) continue;
      if (name.toString("latin1").toLowerCase() !== "set-cookie") continue;
      const field = rawHeaders[index + 1]?.toString("latin1") ?? "";
      const cookie = readSetCookie(field, this.#origin, requestPath, now);
      if (cookie !== undefined) this.#put(cookie, now);
    }
  }

  /**
   * The value of the `Cookie` field for a request (RFC 6265 §5.4): longer paths first, then older cookies. What does
   * not fit is left out.
   * @returns undefined if there is none
   */
  header(requestPath: string): string | undefined {
    if (this.#cookies.size === 0) return undefined;
    this.#removeExpired(this.#clock());
    const sent = [...this.#cookies].filter(([, { path }]) => pathMatch(requestPath, path));
    for (const [key, cookie] of sent) {
      this.#cookies.delete(key);
      this.#cookies.set(key, cookie);
    }
    sent.sort(([, a], [, b]) => b.path.length - a.path.length || a.creation - b.creation);
    let header = "";
    for (const [, { name, value }] of sent) {
      const pair = `${header === "" ? "" : "; "}${name}=${value.reveal()}`;
      if (header.length + pair.length <= COOKIE_LIMITS.headerLength) header += pair;
    }
    return header === "" ? undefined : header;
  }

  /** Empties the jar for good. */
  close(): void {
    this.#isClosed = true;
    for (const key of this.#cookies.keys()) this.#remove(key);
  }

  #put(cookie: ReceivedCookie, now: number): void {
    // None of the three can hold a semicolon.
    const key = `${cookie.domain};${cookie.path};${cookie.name}`;
    const old = this.#cookies.get(key);
    const isSame = old?.value.reveal() === cookie.value.reveal();
    const searched = this.#searched;
    if (old !== undefined) this.#remove(key);
    if (cookie.expiresAt <= now) return;
    this.#created += 1;
    this.#cookies.set(key, { ...cookie, creation: old?.creation ?? this.#created });
    this.#length += lengthOf(cookie);
    this.#searched = isSame ? searched : undefined;
    if (this.#isOverfull()) this.#removeExpired(now);
    for (const oldest of this.#cookies.keys()) {
      if (!this.#isOverfull()) return;
      this.#remove(oldest);
    }
  }

  #isOverfull(): boolean {
    return this.#cookies.size > COOKIE_LIMITS.perJar || this.#length > COOKIE_LIMITS.jarLength;
  }

  #removeExpired(now: number): void {
    for (const [key, { expiresAt }] of this.#cookies) if (expiresAt <= now) this.#remove(key);
  }

  #remove(key: string): void {
    const cookie = this.#cookies.get(key);
    if (cookie === undefined) return;
    this.#cookies.delete(key);
    this.#length -= lengthOf(cookie);
    this.#searched = undefined;
  }
}

function lengthOf({ name, value, path }: ReceivedCookie): number {
  return name.length + value.reveal().length + path.length;
}

function searchedOf(cookies: Iterable<KeptCookie>): SearchedSecret[] {
  const texts = new Set<string>();
  for (const { value } of cookies) {
    for (const text of meaningsOf(value.reveal())) if (isSearchable(text)) texts.add(text);
  }
  return Array.from(texts, (text) => ({ secret: new Secret(text) }));
}

/** The value as a server may show it: quotes are not part of it, and it may be an encoding. */
function meaningsOf(value: string): string[] {
  const [, plain = value] = /^"(.*)"$/.exec(value) ?? [];
  const bytes = Buffer.from(plain, "latin1");
  return [plain, isUtf8(bytes) ? bytes.toString() : plain, percentDecoded(plain)];
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
