import { automatonOf, OTHER_UNIT, step, unitsFrom, type PathAutomaton } from "./path-automaton.js";
import type { PathPattern } from "./path-pattern.js";
import { isPlainlyIncluded } from "./plain-inclusion.js";

/** Counts down over all comparisons of one question, so that it costs a bounded time. */
export interface StepBudget {
  steps: number;
}

const SLASH = "/";
/** Characters of a pattern that are read in the time of one step. */
const CHARACTERS_A_STEP = 2;
/** Patterns that are looked at segment by segment in the time of one step. */
const PATTERNS_A_STEP = 4;

/** Whether every path that a pattern matches is matched by one of others. */
export type Inclusion = (narrower: PathPattern) => boolean;

/**
 * Inclusion of patterns' languages, among paths without an empty segment but the last, since others are always denied.
 *
 * What is not plain from the segments is found so: a state of the narrower pattern's automaton is followed together with the set of states in which the wider ones may
 * be (subset construction, as far as it is needed). Where the narrower one accepts, one of the wider must.
 *
 * @param budget is lessened; when it is used up the answer is no
 */
export function createInclusion(wider: readonly PathPattern[], budget: StepBudget): Inclusion {
  budget.steps -= wider.length / PATTERNS_A_STEP;
  const texts = new Set(wider.map(({ text }) => text));
  let automaton: PathAutomaton | undefined;
  return (narrower) => {
    if (texts.has(narrower.text)) return true;
    budget.steps -= wider.length / PATTERNS_A_STEP;
    if (budget.steps <= 0) return false;
    if (wider.some((each) => isPlainlyIncluded(narrower, each))) return true;
    budget.steps -= narrower.text.length / CHARACTERS_A_STEP;
    if (automaton === undefined) {
      budget.steps -= wider.reduce((sum, { text }) => sum + text.length, 0) / CHARACTERS_A_STEP;
    }
    if (budget.steps <= 0) return false;
    automaton ??= automatonOf(wider);
    return isIncluded(automatonOf([narrower]), automaton, budget);
  };
}

/** {@link createInclusion} for one question only. */
export function isPatternIncluded(
  narrower: PathPattern,
  wider: readonly PathPattern[],
  budget: StepBudget,
): boolean {
  return createInclusion(wider, budget)(narrower);
}

function isIncluded(child: PathAutomaton, parents: PathAutomaton, budget: StepBudget): boolean {
  const seen = new Set<string>();
  const pending: { readonly state: number; readonly set: readonly number[]; readonly afterSlash: boolean }[] =
    [];
  const visit = (states: readonly number[], set: readonly number[], afterSlash: boolean): void => {
    for (const state of states) {
      const key = `${String(state)}${afterSlash ? "/" : ":"}${set.join(",")}`;
      if (seen.has(key)) continue;
      seen.add(key);
      pending.push({ state, set, afterSlash });
    }
  };
  // Not from the start itself: every path has its first slash.
  visit(step(child, [child.start], SLASH), step(parents, [parents.start], SLASH), true);
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { state, set, afterSlash } = next;
    if (child.accepting.has(state) && !set.some((each) => parents.accepting.has(each))) return false;
    const { named, takesAny } = unitsFrom(child, [state]);
    const units = takesAny ? new Set([SLASH, OTHER_UNIT, ...named, ...unitsFrom(parents, set).named]) : named;
    for (const unit of units) {
      if (unit === SLASH && afterSlash) continue;
      const reached = step(parents, set, unit);
      budget.steps -= 1 + set.length + reached.length;
      if (budget.steps <= 0) return false;
      visit(step(child, [state], unit), reached, unit === SLASH);
    }
  }
  return true;
}
