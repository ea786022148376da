import type { ServiceRecord } from "../auth-strategies/service-definition.js";
import { generatedSecretsOf } from "../auth-strategies/service-definition.js";
import type { OutboundSecrets } from "../scrubbing/outbound-secrets.js";

/** How long services are indexed at once, when they change. */
const FIRST_SLICE_MS = 10;

/**
 * How long at a time after that: ten thousand services may take a second, in which an unlock that waits for its save
 * takes a dozen turns of the event loop.
 */
const SLICE_MS = 2;

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
  /** The vault was locked. */
  clear(): void;
  /** Takes up no more services, and lets go of the records; what is indexed stays until the next `update` or `clear`. */
  stop(): void;
}

/** For the secrets that may not be sent to other services. */
export function createOutboundGuard(index: OutboundSecrets, now: () => number): OutboundGuard {
  return keepInStep(index, (record) => generatedSecretsOf(record).map((value) => ({ value })), now);
}

/** @param now monotonic milliseconds */
export function keepInStep<S>(
  index: SecretIndex<S>,
  secretsOf: (record: ServiceRecord) => readonly S[],
  now: () => number,
): OutboundGuard {
  /** By name, with the record that is indexed; undefined once that was let go of. */
  let indexed = new Map<string, ServiceRecord | undefined>();
  /** The newest first. */
  let waiting = new Map<string, ServiceRecord>();
  let timer: NodeJS.Immediate | undefined;

  const take = (name: string, record: ServiceRecord): void => {
    waiting.delete(name);
    index.update(name, secretsOf(record));
    indexed.set(name, record);
  };

  const work = (milliseconds: number): void => {
    timer = undefined;
    const until = now() + milliseconds;
    for (const [name, record] of waiting) {
      take(name, record);
      if (now() < until) continue;
      timer = setImmediate(work, SLICE_MS);
      return;
    }
  };

  const stop = (): void => {
    clearImmediate(timer);
    timer = undefined;
    waiting.clear();
    for (const name of indexed.keys()) indexed.set(name, undefined);
  };

  return {
    update(services) {
      for (const name of indexed.keys()) {
        if (services.has(name)) continue;
        index.remove(name);
        indexed.delete(name);
      }
      waiting = new Map([...services].filter(([name, record]) => indexed.get(name) !== record).reverse());
      if (timer === undefined) work(FIRST_SLICE_MS);
    },
    takeUp(service) {
      const record = waiting.get(service);
      if (record !== undefined) take(service, record);
    },
    clear() {
      stop();
      indexed = new Map();
      index.clear();
    },
    stop,
  };
}
