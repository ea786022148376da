import type { ServiceRecord } from "../auth-strategies/service-definition.js";
import { generatedSecretsOf } from "../auth-strategies/service-definition.js";
import type { OutboundSecrets } from "../scrubbing/outbound-secrets.js";

/** How long services are indexed before other work gets a turn: ten thousand of them may take seconds. */
const SLICE_MS = 10;

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
  /** The vault was locked. */
  clear(): void;
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
  let indexed = new Map<string, ServiceRecord>();
  let waiting: [string, ServiceRecord][] = [];
  let timer: NodeJS.Immediate | undefined;

  const work = (): void => {
    timer = undefined;
    const until = now() + SLICE_MS;
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const [name, record] = next;
      index.update(name, secretsOf(record));
      indexed.set(name, record);
      if (now() < until) continue;
      timer = setImmediate(work);
      return;
    }
  };

  return {
    update(services) {
      for (const name of indexed.keys()) {
        if (services.has(name)) continue;
        index.remove(name);
        indexed.delete(name);
      }
      waiting = [...services].filter(([name, record]) => indexed.get(name) !== record);
      if (timer === undefined) work();
    },
    clear() {
      clearImmediate(timer);
      timer = undefined;
      waiting = [];
      indexed = new Map();
      index.clear();
    },
  };
}
