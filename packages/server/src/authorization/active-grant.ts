import { NOWHERE, type LiveItem, type LiveList } from "../collections/live-list.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { Action } from "../policies/action.js";
import type { Granted, LimitName, ReservationPart } from "../policies/limiter.js";
import { rateLimitFields, type Quota } from "../policies/rate-limit-fields.js";
import type { TokenRecord } from "../tokens/token-record.js";
import type { Grant } from "./grant.js";
import type { UseKeeper } from "./use-keeper.js";

/** What all grants of a server share. */
export interface GrantHost {
  readonly uses: Pick<UseKeeper, "settleBytes">;
  /** Hears of each call that a limit refused or ended. */
  readonly onLimited?: ((limit: LimitName) => void) | undefined;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly active: LiveList<ActiveGrant>;
}

/** The limits of a token, or of one that it descends from. */
export interface LimitedToken extends ReservationPart {
  readonly digest: string;
  readonly countsBytes: boolean;
}

/** What a token was granted for an action, once its limits are reserved. */
export interface GrantedAction extends Pick<Grant, "rule" | "command" | "pathLists" | "ready"> {
  readonly token: TokenRecord;
  readonly action: Action;
  readonly reservation: Granted;
  /** Of all policies in the chain. */
  readonly limited: readonly LimitedToken[];
}

/** A grant of a token with a policy, until it is released. */
export class ActiveGrant implements Grant, LiveItem {
  readonly isRestricted = true;
  readonly rule: string | undefined;
  readonly command: string | undefined;
  readonly pathLists: readonly (readonly string[])[];
  readonly ready: Promise<void> | undefined;
  readonly token: TokenRecord;
  readonly action: Action;
  place = NOWHERE;
  readonly #host: GrantHost;
  readonly #reservation: Granted;
  readonly #limited: readonly LimitedToken[];
  #end: ((reason: VaultProxyError) => void) | undefined;
  /** Why it was withdrawn, before there was anyone to hear. */
  #withdrawn: VaultProxyError | undefined;

  constructor(host: GrantHost, granted: GrantedAction) {
    this.rule = granted.rule;
    this.command = granted.command;
    this.pathLists = granted.pathLists;
    this.ready = granted.ready;
    this.token = granted.token;
    this.action = granted.action;
    this.#host = host;
    this.#reservation = granted.reservation;
    this.#limited = granted.limited;
    host.active.add(this);
  }

  onWithdrawn(end: (reason: VaultProxyError) => void): void {
    this.#end = end;
    if (this.#withdrawn !== undefined) end(this.#withdrawn);
  }

  withdraw(reason: VaultProxyError): void {
    if (this.#withdrawn !== undefined) return;
    this.#withdrawn = reason;
    this.#end?.(reason);
  }

  takeBytes(count: number): VaultProxyError | undefined {
    if (!this.#countsBytes()) return undefined;
    const fits = this.#reservation.takeBytes(count, this.#host.clock());
    for (const { digest } of this.#limited) this.#host.uses.settleBytes(digest);
    if (fits) return undefined;
    this.#host.onLimited?.("bytes_per_day");
    return this.#noBytesLeft();
  }

  takePassedBytes(count: number): VaultProxyError | undefined {
    if (!this.#countsBytes()) return undefined;
    const left = Math.min(...this.#byteQuotas().map(({ remaining }) => remaining));
    const refusal = this.takeBytes(Math.min(count, left));
    return refusal ?? (count >= left ? this.#noBytesLeft() : undefined);
  }

  release(): void {
    this.#reservation.release();
    this.#host.active.delete(this);
  }

  #countsBytes(): boolean {
    for (const { countsBytes } of this.#limited) if (countsBytes) return true;
    return false;
  }

  /** The call is under way, so whoever tries again lets it be made twice. */
  #noBytesLeft(): VaultProxyError {
    const quotas = this.#byteQuotas();
    const waits = quotas.filter(({ remaining }) => remaining === 0).map((quota) => quota.resetSeconds ?? 0);
    const message = "the token's limit bytes_per_day was used up while this was under way";
    return usedUp(message, waits.length === 0 ? undefined : Math.max(1, ...waits), quotas);
  }

  #byteQuotas(): readonly Quota[] {
    return quotasOf(this.#limited, this.#host.clock()).filter(({ name }) => name === "bytes");
  }
}

export function quotasOf(limited: readonly ReservationPart[], now: number): Quota[] {
  return limited.flatMap(({ limiter, cooldowns }) => limiter.quotas(now, cooldowns));
}

/** @param retryAfterSeconds undefined if waiting does not help */
export function usedUp(
  message: string,
  retryAfterSeconds: number | undefined,
  quotas: readonly Quota[],
): VaultProxyError {
  return new VaultProxyError("rate_limited", message, {
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    headers: { ...rateLimitFields(quotas) },
  });
}
