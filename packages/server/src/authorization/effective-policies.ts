import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { PolicyContent } from "../policies/policy-schema.js";
import { newComparisonBudget, whyNotSubset } from "../policies/subset.js";
import type { TokenRecord } from "../tokens/token-record.js";

/**
 * The policies that all hold for a token: its own, and those of the tokens that it descends from. None for a token that
 * may use every service.
 *
 * @param lineage the token, and those that it descends from
 */
export function effectivePolicies(
  lineage: readonly TokenRecord[],
  policies: ReadonlyMap<string, PolicyContent>,
): PolicyContent[] {
  return lineage.flatMap(({ policy, rules }) => {
    if (rules !== undefined) return [rules as PolicyContent];
    // A policy that is gone allows nothing.
    return policy === undefined ? [] : [policies.get(policy) ?? { rules: [] }];
  });
}

/**
 * Why a child of a token cannot have a policy, or undefined if it can: it must be a subset of all that hold for the token.
 *
 * @throws VaultProxyError `invalid_request` if that would take too long to tell
 */
export function whyNotForChild(
  child: PolicyContent,
  lineage: readonly TokenRecord[],
  policies: ReadonlyMap<string, PolicyContent>,
): string | undefined {
  const budget = newComparisonBudget();
  for (const policy of effectivePolicies(lineage, policies)) {
    const reason = whyNotSubset(child, policy, budget);
    if (budget.steps <= 0) {
      throw new VaultProxyError("invalid_request", "policy: is too complex to compare with the policy above");
    }
    if (reason !== undefined) return reason;
  }
  return undefined;
}
