import { POLICY_LIMITS } from "./policy-limits.js";
import { readRequestPath } from "./request-path.js";

/** What one segment must be, in path units. */
export type SegmentPattern =
  | { readonly kind: "literal"; readonly text: string }
  /** `*`: any segment, but not an empty one. */
  | { readonly kind: "any" }
  /** Literal pieces with any units, or none, between them. */
  | { readonly kind: "glob"; readonly pieces: readonly string[] };

/** `**`: any number of segments, also none. */
export interface DeepPattern {
  readonly kind: "deep";
}

export interface PathPattern {
  readonly text: string;
  readonly segments: readonly (SegmentPattern | DeepPattern)[];
}

export type ParsedPathPattern =
  { readonly ok: true; readonly pattern: PathPattern } | { readonly ok: false; readonly reason: string };

/**
 * Reads a path pattern: a path as it is sent, in which `*` stands for any characters within a segment (alone between
 * two slashes: for one or more) and `**`, which must be a whole segment, for any number of segments. A `%XX` counts
 * as one character, and stands for itself only. What no request can match is refused.
 *
 * @returns as `reason` the end of a sentence that begins with the pattern's name
 */
export function parsePathPattern(text: string): ParsedPathPattern {
  if (text === "") return refuse("must not be empty");
  if (text.length > POLICY_LIMITS.patternCharacters) {
    return refuse(`must be at most ${String(POLICY_LIMITS.patternCharacters)} characters`);
  }
  const path = readRequestPath(text);
  if (!path.ok) return refuse(`can match no request: it ${path.reason}`);
  if (path.segments.length > POLICY_LIMITS.patternSegments) {
    return refuse(`must have at most ${String(POLICY_LIMITS.patternSegments)} segments`);
  }
  const segments: (SegmentPattern | DeepPattern)[] = [];
  for (const segment of path.segments) {
    if (segment !== "**" && segment.includes("**")) return refuse("may hold ** only as a whole segment");
    if (segment !== "**") segments.push(parseSegment(segment));
    else if (segments.at(-1)?.kind !== "deep") segments.push({ kind: "deep" });
  }
  return { ok: true, pattern: { text, segments } };
}

function parseSegment(segment: string): SegmentPattern {
  if (segment === "*") return { kind: "any" };
  if (!segment.includes("*")) return { kind: "literal", text: segment };
  return { kind: "glob", pieces: segment.split("*") };
}

function refuse(reason: string): ParsedPathPattern {
  return { ok: false, reason };
}

/** Whether a path's segments, as `readRequestPath` gave them, match. */
export type PathMatcher = (segments: readonly string[]) => boolean;

/**
 * Each run of segments between two `**` is looked for once, from left to right, and each piece between two `*` too:
 * since a wildcard takes anything, the leftmost place is always as good as any other and nothing is tried again.
 * So the work is at most the path's length times the pattern's.
 */
export function createPathMatcher(pattern: PathPattern): PathMatcher {
  const runs: SegmentPattern[][] = [[]];
  for (const segment of pattern.segments) {
    if (segment.kind === "deep") runs.push([]);
    else runs.at(-1)?.push(segment);
  }
  const [first = []] = runs;
  const last = runs.at(-1) ?? first;
  const between = runs.slice(1, -1);
  if (runs.length === 1) return (segments) => segments.length === first.length && isRunAt(segments, first, 0);
  return (segments) => {
    const end = segments.length - last.length;
    if (first.length > end || !isRunAt(segments, first, 0) || !isRunAt(segments, last, end)) return false;
    let position = first.length;
    for (const run of between) {
      while (position + run.length <= end && !isRunAt(segments, run, position)) position += 1;
      position += run.length;
      if (position > end) return false;
    }
    return true;
  };
}

/** From the end: the patterns of a policy mostly begin alike. */
function isRunAt(segments: readonly string[], run: readonly SegmentPattern[], start: number): boolean {
  for (let index = run.length - 1; index >= 0; index -= 1) {
    const segment = segments[start + index];
    const pattern = run[index];
    if (segment === undefined || pattern === undefined || !matchesSegment(segment, pattern)) return false;
  }
  return true;
}

function matchesSegment(segment: string, pattern: SegmentPattern): boolean {
  switch (pattern.kind) {
    case "literal":
      return segment === pattern.text;
    case "any":
      return segment !== "";
    case "glob":
      return matchesGlob(segment, pattern.pieces);
  }
}

function matchesGlob(segment: string, pieces: readonly string[]): boolean {
  const first = pieces[0] ?? "";
  const last = pieces.at(-1) ?? "";
  const end = segment.length - last.length;
  if (first.length > end || !segment.startsWith(first) || !segment.endsWith(last)) return false;
  let position = first.length;
  for (let index = 1; index < pieces.length - 1; index += 1) {
    const piece = pieces[index] ?? "";
    const found = segment.indexOf(piece, position);
    if (found === -1) return false;
    position = found + piece.length;
    if (position > end) return false;
  }
  return true;
}
