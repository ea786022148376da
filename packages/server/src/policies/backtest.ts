import type { Action } from "./action.js";
import { compilePolicy, decide } from "./policy-decision.js";
import type { PolicyContent } from "./policy-schema.js";

export interface Backtest {
  readonly allowed: number;
  readonly denied: readonly { readonly action: Action; readonly reason: string }[];
}

/** What a policy's rules would have said to what was done; its limits and validity are left out. */
export function backtest(policy: PolicyContent, observed: readonly Action[]): Backtest {
  const compiled = compilePolicy({ rules: policy.rules });
  const denied = observed.flatMap((action) => {
    const decision = decide(compiled, action, 0);
    return decision.allowed ? [] : [{ action, reason: decision.reason }];
  });
  return { allowed: observed.length - denied.length, denied };
}
