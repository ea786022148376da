import { setTimeout as wait } from "node:timers/promises";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { Secret } from "../redaction/secret.js";
import type { SearchedSecret } from "../scrubbing/secret-matcher.js";
import type { AccessTokenSource, IssuingTools, Renewal } from "./auth-strategy.js";
import type { IssuedToken } from "./issued-token.js";
import { TokenEndpointError } from "./oauth2/token-endpoint-error.js";
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

/** The longest delay that a Node timer takes. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export interface TokenHolderParts {
  readonly renewal: Renewal<AuthConfig>;
  readonly tools: IssuingTools;
  /**
   * Replaces the service's record by what `update` makes of the stored one; `update` gives undefined to leave it.
   * Resolves to whether it was replaced, when that is on disk.
   */
  readonly save: (update: (stored: ServiceRecord) => ServiceRecord | undefined) => Promise<boolean>;
  /** Runs a refresh of the server's own accord when its turn comes. */
  readonly queue: (task: () => Promise<void>) => Promise<void>;
  /** 0 to 1. */
  readonly random: () => number;
  readonly events: TokenEvents;
}

/** What is worth telling. Nothing in it is secret. */
export interface TokenEvents {
  refreshed(service: string, how: "for a call" | "ahead of time"): void;
  refreshFailed(service: string, error: VaultProxyError, how: "for a call" | "ahead of time"): void;
  /** The provider replaced the refresh token, and the new one could not be saved: it is in memory only. */
  unsaved(service: string, error: unknown): void;
  savedAtLast(service: string): void;
}

/**
 * The access token of one service, for as long as its credential stays the same: one refresh at a time, however many
 * calls wait for it, and a refresh token that the provider replaced is on disk before the access token is used
 * (RFC 9700 §4.14).
 */
export class TokenHolder implements AccessTokenSource {
  readonly searched = (): readonly SearchedSecret[] =>
    (this.#searched ??= searchedSecretsOf({ ...this.#record, auth: this.#config }));
  readonly #parts: TokenHolderParts;
  readonly #stopped = new AbortController();
  /** As it is stored, as far as is known. */
  #record: ServiceRecord;
  /** A record of ours on its way to the disk. */
  #saving: ServiceRecord | undefined;
  /** The newest configuration: the stored one, but for a token that is not saved yet. */
  #config: AuthConfig;
  #token: IssuedToken | undefined;
  #searched: readonly SearchedSecret[] | undefined;
  #refreshing: Promise<IssuedToken> | undefined;
  #failures = 0;
  #lastFailure: { readonly error: VaultProxyError; readonly until: number } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #saveTimer: NodeJS.Timeout | undefined;
  #saveFailures = 0;
  #isSavingAgain = false;

  /** @param record checked, of a strategy with a renewal */
  constructor(record: ServiceRecord, parts: TokenHolderParts) {
    this.#record = record;
    this.#config = record.auth;
    this.#parts = parts;
    this.#token = parts.renewal.stored(record.auth);
    if (this.#token !== undefined) this.#arm(proactiveDelay(this.#token, parts.tools.clock()));
  }

  /** Unix seconds; undefined if there is no token yet. */
  get expiresAt(): number | undefined {
    return this.#token?.expiresAt;
  }

  /** Takes over a changed record, if its credential is still this one. @returns whether it is */
  adopt(record: ServiceRecord): boolean {
    if (record !== this.#saving && record !== this.#record && !isSameCredential(this.#record, record))
      return false;
    this.#record = record;
    return true;
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
    clearTimeout(this.#timer);
    clearTimeout(this.#saveTimer);
  }

  current(): string | Promise<string> {
    const token = this.#token;
    const { clock } = this.#parts.tools;
    if (token !== undefined && isFresh(token, clock())) return token.accessToken.reveal();
    return this.#refresh("for a call").then(
      (issued) => issued.accessToken.reveal(),
      (error: unknown) => {
        if (token !== undefined && isAlive(token, clock())) return token.accessToken.reveal();
        throw error;
      },
    );
  }

  async replace(rejected: string): Promise<boolean> {
    const token = this.#token;
    if (token !== undefined && token.accessToken.reveal() !== rejected) return true;
    const age = token === undefined ? Infinity : this.#parts.tools.clock() - token.issuedAt * 1000;
    if (age < REFRESH_LIMITS.replaceMinAge) return false;
    try {
      await this.#refresh("for a call");
      return true;
    } catch {
      return false;
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
    const failure = this.#lastFailure;
    const wait = failure === undefined ? 0 : failure.until - clock();
    if (failure !== undefined && wait > 0 && how === "for a call") throw withRetryAfter(failure.error, wait);
    try {
      const token = await this.#issue(signal);
      signal.throwIfAborted();
      const isRotated = this.#isRotatedBy(token);
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
    const deadline = AbortSignal.timeout(REFRESH_LIMITS.total);
    const signal = AbortSignal.any([stopped, deadline]);
    for (let attempt = 1; ; attempt += 1) {
      try {
        const service = { base_url, destination: destinationOf(this.#record) };
        return await renewal.issue(this.#config, service, tools, signal);
      } catch (error) {
        stopped.throwIfAborted();
        if (deadline.aborted) {
          throw new TokenEndpointError("oauth2_refresh_failed", "the provider gave no token in time", {
            isTemporary: true,
          });
        }
        const isTemporary = error instanceof TokenEndpointError && error.isTemporary;
        if (!isTemporary || attempt >= REFRESH_LIMITS.attempts) throw error;
        // Calls cannot be made to wait that long.
        if ((error.retryAfterMs ?? 0) > REFRESH_LIMITS.longestAttemptDelay) throw error;
        await wait(attemptDelay(attempt, error.retryAfterMs, random()), undefined, { signal: stopped });
      }
    }
  }

  #accept(token: IssuedToken): void {
    this.#token = token;
    this.#failures = 0;
    this.#lastFailure = undefined;
    this.#arm(proactiveDelay(token, this.#parts.tools.clock()));
  }

  #fail(error: TokenEndpointError, how: "for a call" | "ahead of time"): void {
    const { clock } = this.#parts.tools;
    this.#failures += 1;
    const until = clock() + Math.max(holdOff(this.#failures, error.isTemporary), error.retryAfterMs ?? 0);
    this.#lastFailure = { error, until };
    this.#parts.events.refreshFailed(this.#record.name, error, how);
    // Nobody but an admin can mend that; calls find out when it was done, for the credential is another one then.
    if (error.code === "oauth2_reauthorization_required") clearTimeout(this.#timer);
    else if (this.#token !== undefined) this.#arm(retryDelay(this.#failures, this.#parts.random()));
  }

  #arm(delay: number): void {
    clearTimeout(this.#timer);
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
    this.#parts
      .queue(async () => {
        await this.#refresh("ahead of time");
      })
      // Whoever stopped it knows, and failures were told already.
      .catch(ignore);
  }

  /** Never rejects: the token in memory is good whether or not it could be saved. */
  async #save(): Promise<void> {
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
      if (this.#saveFailures > 0) events.savedAtLast(name);
      this.#saveFailures = 0;
      clearTimeout(this.#saveTimer);
    } catch (error) {
      if (this.#isStopped()) return;
      this.#saveFailures += 1;
      events.unsaved(name, error);
      clearTimeout(this.#saveTimer);
      this.#saveTimer = setTimeout(() => void this.saveAgain(), saveRetryDelay(this.#saveFailures)).unref();
    }
  }

  #isStopped(): boolean {
    return this.#stopped.signal.aborted;
  }

  #isRotatedBy({ refreshToken }: IssuedToken): boolean {
    const { refreshTokenField: field } = this.#parts.renewal;
    const known = field === undefined ? undefined : this.#config[field];
    if (refreshToken === undefined) return false;
    return !(known instanceof Secret) || known.reveal() !== refreshToken.reveal();
  }
}

/** What went wrong at the provider, or with a key of the service, is no fault of the call's. */
function asTokenError(thrown: unknown): TokenEndpointError {
  if (thrown instanceof TokenEndpointError) return thrown;
  const message =
    thrown instanceof VaultProxyError && thrown.code !== "internal"
      ? thrown.message
      : "the request for a token could not be made";
  return new TokenEndpointError("oauth2_refresh_failed", message, { cause: thrown });
}

function withRetryAfter(error: VaultProxyError, waitMs: number): VaultProxyError {
  return new VaultProxyError(error.code, error.message, { retryAfterSeconds: Math.ceil(waitMs / 1000) });
}
