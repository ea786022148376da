import { setTimeout as wait } from "node:timers/promises";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { Secret } from "../redaction/secret.js";
import type { SearchedSecret } from "../scrubbing/secret-matcher.js";
import type { AccessTokenSource } from "./auth-strategy.js";
import type { IssuedToken } from "./issued-token.js";
import { asTokenError, TokenEndpointError } from "./oauth2/token-endpoint-error.js";
import {
  attemptDelay,
  holdOff,
  isAlive,
  isFresh,
  proactiveDelay,
  REFRESH_LIMITS,
  retryDelay,
  saveRetryDelay,
} from "./refresh-schedule.js";
import { isSameCredential } from "./same-credential.js";
import { destinationOf } from "./service-destination.js";
import { searchedSecretsOf, type AuthConfig, type ServiceRecord } from "./service-definition.js";
import { isSpent, withSpent, type SpentRefreshTokens } from "./spent-refresh-tokens.js";
import type { Inheritance, TokenHolderParts } from "./token-holder-parts.js";

const TOO_LATE = "the provider gave no token in time";

/** The longest delay that a Node timer takes. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * The access token of one service, for as long as its credential stays the same: one refresh at a time, however many
 * calls wait for it, and a refresh token that the provider replaced is on disk before the access token is used
 * (RFC 9700 §4.14).
 */
export class TokenHolder implements AccessTokenSource {
  readonly searched = (): readonly SearchedSecret[] =>
    (this.#searched ??= [
      ...searchedSecretsOf({ ...this.#record, auth: this.#config }),
      ...this.#earlier.map(({ accessToken: secret }) => ({ secret })),
    ]);
  readonly #parts: TokenHolderParts;
  readonly #stopped = new AbortController();
  /** As it is stored, as far as is known. */
  #record: ServiceRecord;
  /** A record of ours on its way to the disk. */
  #saving: ServiceRecord | undefined;
  /** The newest configuration: the stored one, but for a token that is not saved yet. */
  #config: AuthConfig;
  #token: IssuedToken | undefined;
  /** Tokens before that one, which may still be good. */
  #earlier: readonly IssuedToken[] = [];
  #searched: readonly SearchedSecret[] | undefined;
  #refreshing: Promise<IssuedToken> | undefined;
  #spent: SpentRefreshTokens = [];
  readonly #saves = new Set<Promise<void>>();
  #failures = 0;
  #lastFailure: { readonly error: VaultProxyError; readonly at: number; readonly length: number } | undefined;
  /** Settled when what a holder before this one left behind is taken over. Never rejects. */
  readonly #inherited: Promise<void>;
  #isRetired = false;
  #timer: NodeJS.Timeout | undefined;
  /** The refresh ahead of time that waits for its turn. */
  #due: object | undefined;
  #saveTimer: NodeJS.Timeout | undefined;
  #saveFailures = 0;
  #isSavingAgain = false;
  #wasUnsaved = false;

  /** @param record checked, of a strategy with a renewal */
  constructor(record: ServiceRecord, parts: TokenHolderParts) {
    this.#record = record;
    this.#config = record.auth;
    this.#parts = parts;
    this.#token = parts.renewal.stored(record.auth);
    this.#inherited = (parts.predecessor ?? Promise.resolve(undefined)).then((left) => this.#inherit(left));
    if (this.#token !== undefined) this.#arm(proactiveDelay(this.#token, parts.tools.clock()));
  }

  /** Unix seconds; undefined if there is no token yet. */
  get expiresAt(): number | undefined {
    return this.#token?.expiresAt;
  }

  /** Takes over a changed record, if its credential is still this one. @returns whether it is */
  adopt(record: ServiceRecord): boolean {
    if (record !== this.#saving && record !== this.#record) {
      if (!isSameCredential(this.#record, record)) return false;
      this.#useGiven(record);
    }
    this.#record = record;
    return true;
  }

  /**
   * The credential was changed: a refresh under way ends, but nothing new begins. Resolves to the refresh token that
   * whoever comes next must use in place of a spent one.
   */
  async retire(): Promise<Inheritance | undefined> {
    this.#isRetired = true;
    this.#stopTimers();
    await this.settle();
    const refreshToken = this.#refreshTokenOf(this.#config);
    if (refreshToken === undefined) return undefined;
    return { spent: this.#spent, clientId: this.#clientId, refreshToken };
  }

  /** Resolves when no refresh is under way. Never rejects. */
  async settle(): Promise<void> {
    await this.#inherited;
    await this.#refreshing?.catch(() => undefined);
  }

  /** Resolves when the saves that are under way have ended. Never rejects. */
  async saved(): Promise<void> {
    await Promise.all(this.#saves);
  }

  /** Saves a refresh token that could not be saved before; resolves when that was tried. Never rejects. */
  async saveAgain(): Promise<void> {
    if (this.#saveFailures === 0 || this.#isSavingAgain) return;
    this.#isSavingAgain = true;
    await this.#save().finally(() => (this.#isSavingAgain = false));
  }

  /** Ends everything: what waits rejects with `reason`, and nothing is saved any more. */
  stop(reason: VaultProxyError): void {
    this.#stopped.abort(reason);
    this.#stopTimers();
  }

  current(): string | Promise<string> {
    const token = this.#token;
    const { clock } = this.#parts.tools;
    if (token !== undefined && isFresh(token, clock())) return token.accessToken.reveal();
    return this.#refreshForCall().then(
      (issued) => issued.accessToken.reveal(),
      (error: unknown) => {
        if (!this.#isStopped() && token !== undefined && isAlive(token, clock()))
          return token.accessToken.reveal();
        throw error;
      },
    );
  }

  async replace(rejected: string): Promise<string | undefined> {
    const token = this.#token;
    const none = (): undefined => undefined;
    if (token !== undefined && token.accessToken.reveal() !== rejected) {
      return Promise.resolve(this.current()).catch(none);
    }
    const age = token === undefined ? Infinity : this.#parts.tools.clock() - token.issuedAt * 1000;
    // One from the future is as old as the clock that was wrong.
    if (age >= 0 && age < REFRESH_LIMITS.replaceMinAge) return undefined;
    return this.#refreshForCall().then((issued) => issued.accessToken.reveal(), none);
  }

  /** A call does not wait for ever; the refresh goes on, for what it brings may come only once. */
  async #refreshForCall(): Promise<IssuedToken> {
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<never>((_, reject) => {
      const late = new TokenEndpointError("oauth2_refresh_failed", TOO_LATE, { isTemporary: true });
      timer = setTimeout(() => reject(late), REFRESH_LIMITS.callWait).unref();
    });
    try {
      return await Promise.race([this.#refresh("for a call"), deadline]);
    } finally {
      clearTimeout(timer);
    }
  }

  #refresh(how: "for a call" | "ahead of time"): Promise<IssuedToken> {
    this.#refreshing ??= this.#run(how).finally(() => (this.#refreshing = undefined));
    return this.#refreshing;
  }

  async #run(how: "for a call" | "ahead of time"): Promise<IssuedToken> {
    const { clock } = this.#parts.tools;
    const { signal } = this.#stopped;
    signal.throwIfAborted();
    await this.#inherited;
    signal.throwIfAborted();
    const failure = this.#lastFailure;
    const elapsed = failure === undefined ? 0 : clock() - failure.at;
    // A clock that was put back holds nothing off.
    if (failure !== undefined && elapsed >= 0 && elapsed < failure.length && how === "for a call") {
      throw withRetryAfter(failure.error, failure.length - elapsed);
    }
    try {
      const token = await this.#issue(signal);
      signal.throwIfAborted();
      const isRotated = this.#isRotatedBy(token);
      this.#spend(token.refreshToken);
      this.#config = this.#parts.renewal.keep(this.#config, token);
      this.#searched = undefined;
      // Only what would be lost for good makes calls wait for the disk; until it is there, nobody gets the token.
      if (isRotated || this.#saveFailures > 0) await this.#save();
      else void this.#save();
      signal.throwIfAborted();
      this.#accept(token);
      this.#parts.events.refreshed(this.#record.name, how);
      return token;
    } catch (thrown) {
      signal.throwIfAborted();
      const error = asTokenError(thrown);
      this.#fail(error, how);
      throw error;
    }
  }

  /** Tries more than once, within the time that calls can be made to wait. */
  async #issue(stopped: AbortSignal): Promise<IssuedToken> {
    const { renewal, tools, random } = this.#parts;
    const { base_url } = this.#record;
    const beganAt = tools.clock();
    for (let attempt = 1; ; attempt += 1) {
      try {
        const service = { base_url, destination: destinationOf(this.#record) };
        return await renewal.issue(this.#config, service, tools, stopped);
      } catch (error) {
        stopped.throwIfAborted();
        await this.#keepRefreshTokenOf(error);
        const isTemporary = error instanceof TokenEndpointError && error.isTemporary;
        if (!isTemporary || attempt >= REFRESH_LIMITS.attempts) throw error;
        // Calls cannot be made to wait that long.
        if ((error.retryAfterMs ?? 0) > REFRESH_LIMITS.longestAttemptDelay) throw error;
        if (tools.clock() - beganAt > REFRESH_LIMITS.lastAttempt) throw error;
        await wait(attemptDelay(attempt, error.retryAfterMs, random()), undefined, { signal: stopped });
      }
    }
  }

  /** An answer without a token that can be used may still have taken the refresh token back, and bring another. */
  async #keepRefreshTokenOf(error: unknown): Promise<void> {
    const { refreshTokenField: field } = this.#parts.renewal;
    const refreshToken = error instanceof TokenEndpointError ? error.refreshToken : undefined;
    if (refreshToken === undefined || field === undefined) return;
    this.#spend(refreshToken);
    this.#config = { ...this.#config, [field]: refreshToken };
    this.#searched = undefined;
    await this.#save();
  }

  #accept(token: IssuedToken): void {
    this.#use(token);
    this.#failures = 0;
    this.#lastFailure = undefined;
    this.#arm(proactiveDelay(token, this.#parts.tools.clock()));
  }

  #fail(error: TokenEndpointError, how: "for a call" | "ahead of time"): void {
    const { clock } = this.#parts.tools;
    this.#failures += 1;
    const length = Math.max(holdOff(this.#failures, error.isTemporary), error.retryAfterMs ?? 0);
    this.#lastFailure = { error, at: clock(), length };
    this.#parts.events.refreshFailed(this.#record.name, error, how);
    // Nobody but an admin can mend that; calls find out when it was done, for the credential is another one then.
    if (error.code === "oauth2_reauthorization_required") this.#disarm();
    else if (this.#token !== undefined) {
      this.#arm(Math.max(retryDelay(this.#failures, this.#parts.random()), error.retryAfterMs ?? 0));
    }
  }

  #use(token: IssuedToken): void {
    const now = this.#parts.tools.clock();
    const earlier = this.#token === undefined ? this.#earlier : [...this.#earlier, this.#token];
    this.#earlier = earlier.filter((one) => isAlive(one, now)).slice(-REFRESH_LIMITS.earlierTokens);
    this.#token = token;
    this.#searched = undefined;
  }

  /** An access token that an admin stored beside the same credential. */
  #useGiven(record: ServiceRecord): void {
    const { renewal } = this.#parts;
    const given = renewal.stored(record.auth);
    const before = renewal.stored(this.#record.auth);
    if (given === undefined || given.accessToken.reveal() === before?.accessToken.reveal()) return;
    this.#config = renewal.keep(this.#config, given);
    this.#accept(given);
  }

  async #inherit(left: Inheritance | undefined): Promise<void> {
    const { refreshTokenField: field } = this.#parts.renewal;
    if (left === undefined || field === undefined || left.clientId !== this.#clientId) return;
    this.#spent = left.spent;
    const own = this.#refreshTokenOf(this.#config);
    if (own === undefined || !isSpent(left.spent, own)) return;
    this.#config = { ...this.#config, [field]: left.refreshToken };
    this.#searched = undefined;
    await this.#save();
  }

  #stopTimers(): void {
    this.#disarm();
    clearTimeout(this.#saveTimer);
  }

  /** Also a refresh ahead of time whose turn has not come is not due any more. */
  #disarm(): void {
    clearTimeout(this.#timer);
    this.#due = undefined;
  }

  #arm(delay: number): void {
    this.#disarm();
    if (this.#isRetired || this.#isStopped()) return;
    const isWhole = delay <= LONGEST_TIMER_MS;
    this.#timer = setTimeout(
      () => {
        if (isWhole) this.#refreshAhead();
        else this.#arm(delay - LONGEST_TIMER_MS);
      },
      Math.min(delay, LONGEST_TIMER_MS),
    ).unref();
  }

  #refreshAhead(): void {
    const ignore = (): void => undefined;
    const due = {};
    this.#due = due;
    this.#parts
      .queue(async () => {
        if (this.#due === due) await this.#refresh("ahead of time");
      })
      // Whoever stopped it knows, and failures were told already.
      .catch(ignore);
  }

  /** Never rejects: the token in memory is good whether or not it could be saved, but for a lock, which ends all. */
  #save(): Promise<void> {
    const save = this.#write().finally(() => this.#saves.delete(save));
    this.#saves.add(save);
    return save;
  }

  async #write(): Promise<void> {
    const { events, save } = this.#parts;
    const { name } = this.#record;
    const config = this.#config;
    if (this.#isStopped()) return;
    try {
      const saved = await save((stored) => {
        if (!isSameCredential(this.#record, stored)) return undefined;
        this.#saving = { ...stored, auth: config };
        return this.#saving;
      });
      if (!saved || this.#config !== config) return;
      const stored = this.#refreshTokenOf(this.#record.auth);
      // A definition that was saved together with ours has brought an old one back.
      if (!this.#isRetired && stored !== undefined && isSpent(this.#spent, stored)) {
        await this.#write();
        return;
      }
      if (this.#wasUnsaved) events.savedAtLast(name);
      this.#wasUnsaved = false;
      this.#saveFailures = 0;
      clearTimeout(this.#saveTimer);
    } catch (error) {
      if (this.#isStopped()) return;
      if (error instanceof VaultProxyError && error.code === "vault_locked") {
        // The event that stops everything comes when the vault has ended its own work.
        this.stop(error);
        return;
      }
      this.#saveFailures += 1;
      if (this.#refreshTokenOf(config)?.reveal() !== this.#refreshTokenOf(this.#record.auth)?.reveal()) {
        this.#wasUnsaved = true;
        events.unsaved(name, error);
      }
      clearTimeout(this.#saveTimer);
      if (this.#isRetired) return;
      this.#saveTimer = setTimeout(() => void this.saveAgain(), saveRetryDelay(this.#saveFailures)).unref();
    }
  }

  readonly #isStopped = (): boolean => this.#stopped.signal.aborted;

  #isRotatedBy({ refreshToken: next }: IssuedToken): boolean {
    return next !== undefined && next.reveal() !== this.#refreshTokenOf(this.#config)?.reveal();
  }

  /** Remembers the present refresh token as one of no use, if another one came. */
  #spend(next: Secret | undefined): void {
    const present = this.#refreshTokenOf(this.#config);
    if (present !== undefined && next !== undefined) this.#spent = withSpent(this.#spent, present, next);
  }

  get #clientId(): unknown {
    return this.#config[this.#parts.renewal.clientIdField ?? ""];
  }

  #refreshTokenOf(auth: AuthConfig): Secret | undefined {
    const { refreshTokenField: field } = this.#parts.renewal;
    const value = field === undefined ? undefined : auth[field];
    return value instanceof Secret ? value : undefined;
  }
}

function withRetryAfter(error: VaultProxyError, waitMs: number): VaultProxyError {
  return new VaultProxyError(error.code, error.message, { retryAfterSeconds: Math.ceil(waitMs / 1000) });
}
