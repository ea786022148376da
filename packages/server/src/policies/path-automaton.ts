import type { PathPattern, SegmentPattern } from "./path-pattern.js";

const SLASH = "/";

/** Stands for every unit but the slash that no pattern names. */
export const OTHER_UNIT = "";

interface Edge {
  /** A unit; or every unit but the slash; or every unit. */
  readonly takes: string | { readonly slashToo: boolean };
  readonly to: number;
}

/** A nondeterministic automaton over path units: it accepts what one of some patterns matches, first slash included. */
export interface PathAutomaton {
  readonly start: readonly number[];
  /** By state. */
  readonly edges: readonly (readonly Edge[])[];
  readonly accepting: ReadonlySet<number>;
}

export function automatonOf(patterns: readonly PathPattern[]): PathAutomaton {
  const edges: Edge[][] = [];
  const newState = (): number => edges.push([]) - 1;
  const connect = (from: number, takes: Edge["takes"], to: number): void => {
    edges[from]?.push({ takes, to });
  };
  const chain = (from: number, text: string): number => {
    let state = from;
    for (let index = 0; index < text.length; index += 1) {
      const next = newState();
      connect(state, text.charAt(index), next);
      state = next;
    }
    return state;
  };
  const segmentFrom = (first: number, segment: SegmentPattern): number => {
    if (segment.kind === "literal") return chain(first, segment.text);
    if (segment.kind === "any") {
      const last = newState();
      connect(first, { slashToo: false }, last);
      connect(last, { slashToo: false }, last);
      return last;
    }
    const [start = "", ...pieces] = segment.pieces;
    let state = chain(first, start);
    for (const piece of pieces) {
      connect(state, { slashToo: false }, state);
      state = chain(state, piece);
    }
    return state;
  };

  const start: number[] = [];
  const accepting = new Set<number>();
  for (const { segments } of patterns) {
    const first = newState();
    start.push(first);
    let ends = [first];
    for (const segment of segments) {
      const next = newState();
      for (const end of ends) connect(end, SLASH, next);
      if (segment.kind === "deep") {
        connect(next, { slashToo: true }, next);
        ends = [...ends, next];
      } else {
        ends = [segmentFrom(next, segment)];
      }
    }
    for (const end of ends) accepting.add(end);
  }
  return { start, edges, accepting };
}

/** The states that a unit leads to, in ascending order. */
export function step(automaton: PathAutomaton, from: readonly number[], unit: string): readonly number[] {
  const to = new Set<number>();
  for (const state of from) {
    for (const edge of automaton.edges[state] ?? []) {
      const isTaken =
        typeof edge.takes === "string" ? edge.takes === unit : unit !== SLASH || edge.takes.slashToo;
      if (isTaken) to.add(edge.to);
    }
  }
  return [...to].sort((a, b) => a - b);
}

/** The units that are named by an edge out of these states, and whether there is an edge that takes any. */
export function unitsFrom(
  automaton: PathAutomaton,
  states: readonly number[],
): { readonly named: ReadonlySet<string>; readonly takesAny: boolean } {
  const named = new Set<string>();
  let takesAny = false;
  for (const state of states) {
    for (const { takes } of automaton.edges[state] ?? []) {
      if (typeof takes === "string") named.add(takes);
      else takesAny = true;
    }
  }
  return { named, takesAny };
}
