import type { ServiceRecord } from "../auth-strategies/service-definition.js";
import { generatedSecretsOf } from "../auth-strategies/service-definition.js";
import type { OutboundSecrets } from "../scrubbing/outbound-secrets.js";

/** How long services are indexed at once, when they change. */
const FIRST_SLICE_MS = 2;

/** How long at a time after that: ten thousand services may take a second, and other work waits for its turn. */
const SLICE_MS = 2;
/** The same while a call waits for it. */
const AWAITED_SLICE_MS = 5;

/** The rest begins that much later if no call asks for it before: an unlock is answered meanwhile. */
const REST_AFTER_MS = 500;

/** What can be searched for, by service. */
export interface SecretIndex<S> {
  update(service: string, secrets: readonly S[]): void;
  remove(service: string): void;
  clear(): void;
}

/** Keeps an index of secrets in step with the services. */
export interface OutboundGuard {
  /** The committed services, at unlock and after every change. What few there are is indexed at once. */
  update(services: ReadonlyMap<string, ServiceRecord>): void;
  /** Indexes this service now if it waits for its turn. */
  takeUp(service: string): void;
  /** Whether all services are indexed: undefined, or what to wait for, which is hurried by that. Never rejects. */
  ready(): Promise<void> | undefined;
  /** The same, without asking for it. False also once {@link OutboundGuard.stop} has left some out. */
  isComplete(): boolean;
  /** The vault was locked. */
  clear(): void;
  /** Takes up no more services, and lets go of the records; what is indexed stays until the next `update` or `clear`. */
  stop(): void;
}

export interface IndexingTimes {
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** @returns takes the task back */
  readonly after: (milliseconds: number, task: () => void) => () => void;
}

/** For the secrets that may not be sent to other services. */
export function createOutboundGuard(index: OutboundSecrets, times: IndexingTimes): OutboundGuard {
  return keepInStep(index, (record) => generatedSecretsOf(record).map((value) => ({ value })), times);
}

export function keepInStep<S>(
  index: SecretIndex<S>,
  secretsOf: (record: ServiceRecord) => readonly S[],
  { now, after }: IndexingTimes,
): OutboundGuard {
  /** By name, with the record that is indexed; undefined once that was let go of. */
  let indexed = new Map<string, ServiceRecord | undefined>();
  /** The newest first. */
  let waiting = new Map<string, ServiceRecord>();
  let isCutShort = false;
  let withdrawNext: (() => void) | undefined;
  let awaited: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  const take = (name: string, record: ServiceRecord): void => {
    waiting.delete(name);
    index.update(name, secretsOf(record));
    indexed.set(name, record);
  };

  const work = (milliseconds: number): void => {
    const until = now() + milliseconds;
    for (const [name, record] of waiting) {
      take(name, record);
      if (now() >= until) break;
    }
  };

  const settle = (): void => {
    withdrawNext?.();
    withdrawNext = undefined;
    awaited?.resolve();
    awaited = undefined;
  };

  const goOn = (): void => {
    if (waiting.size === 0) {
      settle();
      return;
    }
    const turn = setImmediate(() => {
      work(awaited === undefined ? SLICE_MS : AWAITED_SLICE_MS);
      goOn();
    });
    withdrawNext = () => clearImmediate(turn);
  };

  const stop = (): void => {
    isCutShort ||= waiting.size > 0;
    waiting.clear();
    settle();
    for (const name of indexed.keys()) indexed.set(name, undefined);
  };

  return {
    update(services) {
      for (const name of indexed.keys()) {
        if (services.has(name)) continue;
        index.remove(name);
        indexed.delete(name);
      }
      isCutShort = false;
      waiting = new Map([...services].filter(([name, record]) => indexed.get(name) !== record).reverse());
      if (withdrawNext !== undefined) return;
      work(FIRST_SLICE_MS);
      if (waiting.size > 0) withdrawNext = after(REST_AFTER_MS, goOn);
    },
    takeUp(service) {
      const record = waiting.get(service);
      if (record !== undefined) take(service, record);
    },
    ready() {
      if (waiting.size === 0) return undefined;
      if (awaited === undefined) {
        let resolve = (): void => undefined;
        const promise = new Promise<void>((settled) => (resolve = settled));
        awaited = { promise, resolve };
        withdrawNext?.();
        goOn();
      }
      return awaited.promise;
    },
    isComplete: () => waiting.size === 0 && !isCutShort,
    clear() {
      stop();
      isCutShort = false;
      indexed = new Map();
      index.clear();
    },
    stop,
  };
}
