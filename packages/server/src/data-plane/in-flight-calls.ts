import { LiveList, type LiveItem } from "../collections/live-list.js";
import type { VaultProxyError } from "../errors/vault-proxy-error.js";

/** A call that can be ended from outside: by a lock, a revoked token, a deleted service. */
export interface EndableCall extends LiveItem {
  readonly tokenDigest: string;
  readonly serviceName: string;
  end(reason: VaultProxyError): void;
}

/** All calls that run now. */
export interface InFlightCalls {
  add(call: EndableCall): void;
  remove(call: EndableCall): void;
  /** Ends every call that `matches`; the caller sees `reason`, or a broken transfer if the answer has begun. */
  end(matches: (call: EndableCall) => boolean, reason: VaultProxyError): void;
  /** Calls of one token. */
  countOf(tokenDigest: string): number;
  readonly size: number;
}

export function createInFlightCalls(): InFlightCalls {
  const calls = new LiveList<EndableCall>();
  const perToken = new Map<string, number>();

  const count = (tokenDigest: string, by: 1 | -1): void => {
    const next = (perToken.get(tokenDigest) ?? 0) + by;
    if (next > 0) perToken.set(tokenDigest, next);
    else perToken.delete(tokenDigest);
  };

  return {
    add(call) {
      calls.add(call);
      count(call.tokenDigest, 1);
    },
    remove(call) {
      if (calls.delete(call)) count(call.tokenDigest, -1);
    },
    end(matches, reason) {
      for (const call of calls.snapshot().filter(matches)) call.end(reason);
    },
    countOf: (tokenDigest) => perToken.get(tokenDigest) ?? 0,
    get size() {
      return calls.size;
    },
  };
}
