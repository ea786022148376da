import type { DeepPattern, PathPattern, SegmentPattern } from "./path-pattern.js";

const SLASH = "/";

/** Stands for every unit but the slash that no pattern names. */
export const OTHER_UNIT = "";

/** The states that lead on from one. */
interface Edges {
  /** By a unit. */
  readonly named: Map<string, number[]>;
  /** By any unit but the slash. */
  readonly inSegment: number[];
  /** By any unit. */
  readonly deep: number[];
}

/** A nondeterministic automaton over path units: it accepts what one of some patterns matches, first slash included. */
export interface PathAutomaton {
  readonly start: number;
  /** By state. */
  readonly edges: readonly Edges[];
  readonly accepting: ReadonlySet<number>;
}

/** What patterns that begin with the same segments share. */
interface Place {
  /** Where these segments may end. */
  readonly ends: readonly number[];
  /** What stands behind the slash, for segments that add no edges to it. */
  behindSlash: number | undefined;
  readonly next: Map<string, Place>;
}

export function automatonOf(patterns: readonly PathPattern[]): PathAutomaton {
  const edges: Edges[] = [];
  const newState = (): number => edges.push({ named: new Map(), inSegment: [], deep: [] }) - 1;
  const connect = (from: number, unit: string, to: number): void => {
    const named = edges[from]?.named;
    const known = named?.get(unit);
    if (known === undefined) named?.set(unit, [to]);
    else known.push(to);
  };
  const connectAny = (from: number, to: number): void => void edges[from]?.inSegment.push(to);
  const chain = (from: number, text: string): number => {
    let state = from;
    for (let index = 0; index < text.length; index += 1) {
      const next = newState();
      connect(state, text.charAt(index), next);
      state = next;
    }
    return state;
  };
  /** Literals that begin alike share states: no loop is ever put on one. */
  const literalFrom = (from: number, text: string): number => {
    let state = from;
    for (let index = 0; index < text.length; index += 1) {
      const known = edges[state]?.named.get(text.charAt(index))?.[0];
      if (known === undefined) return chain(state, text.slice(index));
      state = known;
    }
    return state;
  };
  const stateBehindSlash = (ends: readonly number[]): number => {
    const state = newState();
    for (const end of ends) connect(end, SLASH, state);
    return state;
  };
  const segmentFrom = (first: number, segment: SegmentPattern): number => {
    if (segment.kind === "literal") return literalFrom(first, segment.text);
    if (segment.kind === "any") {
      const last = newState();
      connectAny(first, last);
      connectAny(last, last);
      return last;
    }
    const [start = "", ...pieces] = segment.pieces;
    let state = chain(first, start);
    for (const piece of pieces) {
      connectAny(state, state);
      state = chain(state, piece);
    }
    return state;
  };
  const placeBehind = (place: Place, segment: SegmentPattern | DeepPattern): Place => {
    const key = keyOf(segment);
    const known = place.next.get(key);
    if (known !== undefined) return known;
    let ends: readonly number[];
    if (segment.kind === "deep") {
      const state = stateBehindSlash(place.ends);
      edges[state]?.deep.push(state);
      ends = [...place.ends, state];
    } else if (segment.kind === "glob") {
      ends = [segmentFrom(stateBehindSlash(place.ends), segment)];
    } else {
      place.behindSlash ??= stateBehindSlash(place.ends);
      ends = [segmentFrom(place.behindSlash, segment)];
    }
    const next: Place = { ends, behindSlash: undefined, next: new Map() };
    place.next.set(key, next);
    return next;
  };

  const start = newState();
  const root: Place = { ends: [start], behindSlash: undefined, next: new Map() };
  const accepting = new Set<number>();
  for (const { segments } of patterns) {
    for (const end of segments.reduce(placeBehind, root).ends) accepting.add(end);
  }
  return { start, edges, accepting };
}

/** No literal holds a `*`. */
function keyOf(segment: SegmentPattern | DeepPattern): string {
  switch (segment.kind) {
    case "deep":
      return "**";
    case "any":
      return "*";
    case "literal":
      return segment.text;
    case "glob":
      return segment.pieces.join("*");
  }
}

/** The states that a unit leads to, in ascending order. */
export function step(automaton: PathAutomaton, from: readonly number[], unit: string): readonly number[] {
  const to: number[] = [];
  for (const state of from) {
    const edges = automaton.edges[state];
    if (edges === undefined) continue;
    const named = edges.named.get(unit);
    if (named !== undefined) to.push(...named);
    if (unit !== SLASH) to.push(...edges.inSegment);
    to.push(...edges.deep);
  }
  return to.length < 2 ? to : [...new Set(to)].sort((a, b) => a - b);
}

/** The units that are named by an edge out of these states, and whether there is an edge that takes any. */
export function unitsFrom(
  automaton: PathAutomaton,
  states: readonly number[],
): { readonly named: ReadonlySet<string>; readonly takesAny: boolean } {
  const named = new Set<string>();
  let takesAny = false;
  for (const state of states) {
    const edges = automaton.edges[state];
    if (edges === undefined) continue;
    for (const unit of edges.named.keys()) named.add(unit);
    if (edges.inSegment.length + edges.deep.length > 0) takesAny = true;
  }
  return { named, takesAny };
}
