import type { PolicyContent } from "../policies/policy-schema.js";

/**
 * What of a policy has to be counted for all workers together: nothing; whether a call may begin; or also what comes
 * while it runs, or which rule allows it, so that the owner has to make the call itself.
 */
export type Counting = "nothing" | "beginnings" | "all";

export function countingOf({ limits = {}, rules }: PolicyContent): Counting {
  if (limits.bytes_per_day !== undefined || rules.some(({ cooldown }) => cooldown !== undefined))
    return "all";
  return Object.values(limits).every((limit) => limit === undefined) ? "nothing" : "beginnings";
}

/** The same policy without what is counted: it says what is allowed at all. */
export function withoutLimits(content: PolicyContent): PolicyContent {
  const { limits: _, ...rest } = content;
  return { ...rest, rules: content.rules.map(({ cooldown: _cooldown, ...rule }) => rule) };
}

/** The stricter of two. */
export function moreCounted(one: Counting, other: Counting): Counting {
  if (one === "all" || other === "all") return "all";
  return one === "nothing" ? other : one;
}
