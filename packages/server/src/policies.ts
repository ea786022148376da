/** What can be said of policies without a running server: the entry that the command line uses. */
export type { Action } from "./policies/action.js";
export { backtest, type Backtest } from "./policies/backtest.js";
export { learnPolicy, type LearnedPolicy } from "./policies/learn.js";
export {
  policyContentSchema,
  policySchema,
  type Policy,
  type PolicyContent,
} from "./policies/policy-schema.js";
export { readPolicyText } from "./policies/policy-text.js";
export { recordedAction, type RecordedUse } from "./policies/recorded-action.js";
