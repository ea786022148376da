import type { AdmittingRule } from "./compiled-rule.js";
import { UNUSED, type LimiterState } from "./limiter-state.js";
import { POLICY_LIMITS } from "./policy-limits.js";
import type { LimitValues } from "./policy-decision.js";
import type { Quota } from "./rate-limit-fields.js";
import { SlidingWindow, type PastEvents } from "./sliding-window.js";

const MINUTE_MS = 60_000;
/** So exact the calls of the latest minute are kept for a restart: in a dozen numbers, whatever their limit is. */
const KEPT_SPAN_MS = 5_000;
const DAY_MS = 86_400_000;
/** A call ends when it ends; this only keeps callers from asking without pause. */
const RETRY_CONCURRENT_SECONDS = 1;

export type LimitName = "requests_per_minute" | "max_concurrent" | "max_uses" | "bytes_per_day" | "cooldown";

export interface Refused {
  readonly granted: false;
  readonly code: "rate_limited";
  readonly limit: LimitName;
  /** At least 1; undefined if waiting does not help. */
  readonly retryAfterSeconds: number | undefined;
}

export interface Granted {
  readonly granted: true;
  /** The rule whose cooldown begins with this use. */
  readonly cooldown: AdmittingRule | undefined;
  /** Ends the call, for the limit of concurrent ones. A second time it does nothing. */
  release(): void;
  /**
   * Counts bytes that are about to be passed on, either way.
   * @returns false if the day's bytes do not suffice: nothing is counted then, and the call has to be ended
   */
  takeBytes(count: number, now: number): boolean;
}

export type Reservation = Granted | Refused;

export interface LimiterOptions {
  /** What an earlier run left. */
  readonly state?: LimiterState;
  /** Called, before `reserve` or `takeBytes` returns, whenever what `state()` gives has changed, but for the latest minute. */
  readonly onChange?: () => void;
}

/**
 * What a token has used of its policy's limits. Everything is synchronous: between the check and the reservation
 * nothing else runs, so parallel calls get exactly what is allowed. All times are Unix milliseconds.
 */
export class Limiter {
  #limits: LimitValues;
  #window: SlidingWindow | undefined;
  /** Of an earlier run. */
  readonly #pastMinute: PastEvents;
  #concurrent = 0;
  #uses: number;
  #day: number;
  #dayBytes: number;
  /** The least recently used first. */
  readonly #lastUses: Map<string, number>;
  readonly #onChange: () => void;

  constructor(limits: LimitValues, { state = UNUSED, onChange = () => undefined }: LimiterOptions = {}) {
    this.#uses = state.uses;
    this.#day = state.bytes.day;
    this.#dayBytes = state.bytes.count;
    this.#lastUses = new Map(state.cooldowns);
    this.#pastMinute = state.minute ?? [];
    this.#onChange = onChange;
    this.#limits = limits;
    this.setLimits(limits);
  }

  /** The limits of a changed policy, from the next call on; what was used stays used. */
  setLimits(limits: LimitValues): void {
    this.#limits = limits;
    const { requestsPerMinute } = limits;
    if (requestsPerMinute === undefined) this.#window = undefined;
    else if (this.#window !== undefined) this.#window.setLimit(requestsPerMinute);
    else this.#window = new SlidingWindow(requestsPerMinute, MINUTE_MS, this.#pastMinute);
  }

  /** @param cooldowns of the policy's decision */
  reserve(now: number, cooldowns: readonly AdmittingRule[] = []): Reservation {
    return this.refusal(now, cooldowns) ?? this.take(now, cooldowns);
  }

  /** Why `reserve` would refuse now, without using up anything; of several limits that which lasts longest. */
  refusal(now: number, cooldowns: readonly AdmittingRule[] = []): Refused | undefined {
    const { maxUses, maxConcurrent, bytesPerDay } = this.#limits;
    if (maxUses !== undefined && this.#uses >= maxUses) return refused("max_uses", undefined);
    const found: Refused[] = [];
    if (bytesPerDay !== undefined && this.#bytesOn(dayOf(now)) >= bytesPerDay) {
      found.push(refused("bytes_per_day", DAY_MS - (now % DAY_MS)));
    }
    if (cooldowns.length > 0 && this.#readyRule(now, cooldowns) === undefined) {
      found.push(refused("cooldown", Math.min(...cooldowns.map((rule) => this.#waitOf(rule, now)))));
    }
    if (this.#window?.remaining(now) === 0) {
      found.push(refused("requests_per_minute", this.#window.untilMoreRoom(now)));
    }
    if (maxConcurrent !== undefined && this.#concurrent >= maxConcurrent) {
      found.push(refused("max_concurrent", RETRY_CONCURRENT_SECONDS * 1000));
    }
    return found.length < 2 ? found[0] : found.reduce(longer);
  }

  /** Uses up what `refusal` has just, in the same turn of the event loop, said to be there. */
  take(now: number, cooldowns: readonly AdmittingRule[]): Granted {
    this.#window?.add(now);
    this.#concurrent += 1;
    const isCounted = this.#limits.maxUses !== undefined;
    if (isCounted) this.#uses += 1;
    const cooldown = this.#readyRule(now, cooldowns);
    if (cooldown !== undefined) this.#remember(cooldown.key, now);
    if (isCounted || cooldown !== undefined) this.#onChange();

    return new OneReservation(this, cooldown);
  }

  /** One of the concurrent calls is over. */
  end(): void {
    this.#concurrent -= 1;
  }

  get uses(): number {
    return this.#uses;
  }

  /** Bytes of the day that `day` gives. */
  get dayBytes(): number {
    return this.#dayBytes;
  }

  /** Of UTC, counted from 1970-01-01. */
  get day(): number {
    return this.#day;
  }

  state(): LimiterState {
    const minute = (this.#window?.past(KEPT_SPAN_MS) ?? []).map(
      ([time, count]) => [time, count] as [number, number],
    );
    return {
      uses: this.#uses,
      bytes: { day: this.#day, count: this.#dayBytes },
      cooldowns: [...this.#lastUses],
      ...(minute.length === 0 ? {} : { minute }),
    };
  }

  /**
   * Each limit with what is left of it, for `rateLimitFields`.
   * @param cooldowns of the policy's decision: of those the one that is over first
   */
  quotas(now: number, cooldowns: readonly AdmittingRule[] = []): readonly Quota[] {
    const { requestsPerMinute, maxConcurrent, maxUses, bytesPerDay } = this.#limits;
    const quotas: Quota[] = [];
    if (requestsPerMinute !== undefined && this.#window !== undefined) {
      quotas.push({
        name: "requests",
        limit: requestsPerMinute,
        remaining: this.#window.remaining(now),
        windowSeconds: MINUTE_MS / 1000,
        resetSeconds: Math.ceil(this.#window.untilMoreRoom(now) / 1000),
      });
    }
    if (maxConcurrent !== undefined) {
      quotas.push({
        name: "concurrent",
        limit: maxConcurrent,
        remaining: atLeast0(maxConcurrent - this.#concurrent),
      });
    }
    if (maxUses !== undefined) {
      quotas.push({ name: "uses", limit: maxUses, remaining: atLeast0(maxUses - this.#uses) });
    }
    if (bytesPerDay !== undefined) {
      quotas.push({
        name: "bytes",
        limit: bytesPerDay,
        remaining: atLeast0(bytesPerDay - this.#bytesOn(dayOf(now))),
        windowSeconds: DAY_MS / 1000,
        resetSeconds: Math.ceil((DAY_MS - (now % DAY_MS)) / 1000),
      });
    }
    const [soonest] = [...cooldowns].sort((a, b) => this.#waitOf(a, now) - this.#waitOf(b, now));
    if (soonest !== undefined) quotas.push(cooldownQuota(soonest.cooldownMs, this.#waitOf(soonest, now)));
    return quotas;
  }

  /** {@link Granted.takeBytes} */
  takeBytes(count: number, now: number): boolean {
    const { bytesPerDay } = this.#limits;
    if (bytesPerDay === undefined) return true;
    const day = dayOf(now);
    const used = this.#bytesOn(day);
    const fits = used + count <= bytesPerDay;
    if (used === 0) this.#day = day;
    // What is left is no use: a next call would be made at the upstream, and its answer refused as this one's.
    this.#dayBytes = fits ? used + count : Math.max(used, bytesPerDay);
    this.#onChange();
    return fits;
  }

  /** A clock that goes back over midnight does not begin a new day; one that is set back by days does. */
  #bytesOn(day: number): number {
    return day === this.#day || day === this.#day - 1 ? this.#dayBytes : 0;
  }

  #readyRule(now: number, cooldowns: readonly AdmittingRule[]): AdmittingRule | undefined {
    return cooldowns.find((rule) => this.#waitOf(rule, now) <= 0);
  }

  #waitOf({ key, cooldownMs }: AdmittingRule, now: number): number {
    const lastUse = this.#lastUses.get(key);
    // A clock that was set back leaves a use to come; then no more is waited than a whole cooldown.
    return lastUse === undefined ? 0 : Math.min(cooldownMs, lastUse + cooldownMs - now);
  }

  #remember(key: string, now: number): void {
    this.#lastUses.delete(key);
    this.#lastUses.set(key, now);
    if (this.#lastUses.size <= POLICY_LIMITS.rememberedCooldowns) return;
    const [oldest] = this.#lastUses.keys();
    if (oldest !== undefined) this.#lastUses.delete(oldest);
  }
}

class OneReservation implements Granted {
  readonly granted = true;
  readonly cooldown: AdmittingRule | undefined;
  readonly #limiter: Limiter;
  #isOpen = true;

  constructor(limiter: Limiter, cooldown: AdmittingRule | undefined) {
    this.#limiter = limiter;
    this.cooldown = cooldown;
  }

  release(): void {
    if (this.#isOpen) this.#limiter.end();
    this.#isOpen = false;
  }

  takeBytes(count: number, now: number): boolean {
    return this.#limiter.takeBytes(count, now);
  }
}

export interface ReservationPart {
  readonly limiter: Limiter;
  readonly cooldowns: readonly AdmittingRule[];
}

/**
 * One reservation of several limiters, of all or of none: those of a token and of the tokens it descends from, so
 * that a tree of tokens together never uses more than its root may.
 */
export function reserveTogether(parts: readonly ReservationPart[], now: number): Reservation {
  for (const { limiter, cooldowns } of parts) {
    const refusal = limiter.refusal(now, cooldowns);
    if (refusal !== undefined) return refusal;
  }
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only.limiter.take(now, only.cooldowns);
  const granted = parts.map(({ limiter, cooldowns }) => limiter.take(now, cooldowns));
  return {
    granted: true,
    cooldown: granted[0]?.cooldown,
    release: () => {
      for (const each of granted) each.release();
    },
    takeBytes: (count, at) => granted.every((each) => each.takeBytes(count, at)),
  };
}

function dayOf(now: number): number {
  return Math.floor(now / DAY_MS);
}

function atLeast0(value: number): number {
  return Math.max(0, value);
}

function cooldownQuota(cooldownMs: number, waitMs: number): Quota {
  return {
    ...{ name: "cooldown", limit: 1, remaining: waitMs > 0 ? 0 : 1 },
    windowSeconds: Math.ceil(cooldownMs / 1000),
    ...(waitMs > 0 ? { resetSeconds: Math.ceil(waitMs / 1000) } : {}),
  };
}

function longer(a: Refused, b: Refused): Refused {
  return (b.retryAfterSeconds ?? 0) > (a.retryAfterSeconds ?? 0) ? b : a;
}

function refused(limit: LimitName, milliseconds: number | undefined): Refused {
  const retryAfterSeconds =
    milliseconds === undefined ? undefined : Math.max(1, Math.ceil(milliseconds / 1000));
  return { granted: false, code: "rate_limited", limit, retryAfterSeconds };
}
