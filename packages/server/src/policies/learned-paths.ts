import { identifierPattern } from "./identifier-pattern.js";
import { isPatternIncluded } from "./path-inclusion.js";
import { parsePathPattern, type PathPattern } from "./path-pattern.js";
import { POLICY_LIMITS } from "./policy-limits.js";

interface Node {
  readonly children: Map<string, Node>;
  isEnd: boolean;
}

/** Segments in front of an interface's resources, whose names are not each other's siblings. */
const BASE_SEGMENT = /^(?:api|rest|v\d+(?:\.\d+)?|\d{1,2})$/i;

/**
 * The patterns that a set of paths suggests: identifiers become `*`, and so do names beside each other when there are
 * more than `siblings` of them. The names at the top, behind `/api/v1` and the like, stay as they are: they tell
 * resources apart.
 *
 * @param paths that `readRequestPath` accepts
 * @returns sorted; each path matches one
 */
export function learnPaths(paths: Iterable<string>, siblings: number): readonly string[] {
  const root = newNode();
  for (const path of new Set(paths)) insert(root, path === "" ? "/" : path);
  mergeSiblings(root, siblings, true);
  const patterns: string[] = [];
  collect(root, "", patterns);
  return withoutIncluded(patterns.map(cutToFit)).sort();
}

function newNode(): Node {
  return { children: new Map(), isEnd: false };
}

function insert(root: Node, path: string): void {
  let node = root;
  let previous: string | undefined;
  for (const segment of path.slice(1).split("/")) {
    const pattern = identifierPattern(segment, previous);
    const next = node.children.get(pattern) ?? newNode();
    node.children.set(pattern, next);
    node = next;
    previous = segment;
  }
  node.isEnd = true;
}

function mergeSiblings(node: Node, siblings: number, isBase: boolean): void {
  const names = [...node.children.keys()].filter((name) => name !== "" && !name.includes("*"));
  if (!isBase && names.length > siblings) {
    const merged = node.children.get("*") ?? newNode();
    for (const name of names) {
      mergeInto(merged, node.children.get(name) ?? newNode());
      node.children.delete(name);
    }
    node.children.set("*", merged);
  }
  for (const [name, child] of node.children)
    mergeSiblings(child, siblings, isBase && BASE_SEGMENT.test(name));
}

function mergeInto(target: Node, source: Node): void {
  target.isEnd ||= source.isEnd;
  for (const [name, child] of source.children) {
    const existing = target.children.get(name);
    if (existing === undefined) target.children.set(name, child);
    else mergeInto(existing, child);
  }
}

function collect(node: Node, path: string, into: string[]): void {
  if (node.isEnd) into.push(path);
  for (const [name, child] of node.children) collect(child, `${path}/${name}`, into);
}

/** A path longer than a pattern may be keeps its start only. */
function cutToFit(pattern: string): string {
  const { patternCharacters, patternSegments } = POLICY_LIMITS;
  if (pattern.length <= patternCharacters && pattern.split("/").length - 1 <= patternSegments) return pattern;
  const kept = pattern
    .slice(0, patternCharacters - "/**".length)
    .split("/")
    .slice(0, patternSegments);
  return `${kept.slice(0, -1).join("/")}/**`;
}

function withoutIncluded(texts: readonly string[]): string[] {
  const patterns = [...new Set(texts)].flatMap((text) => {
    const parsed = parsePathPattern(text);
    return parsed.ok ? [parsed.pattern] : [];
  });
  if (patterns.length > POLICY_LIMITS.comparedPatterns) return patterns.map(({ text }) => text);
  const budget = { steps: POLICY_LIMITS.learnedInclusionSteps };
  const wild = patterns.filter(({ text }) => text.includes("*"));
  const isNeedless = (pattern: PathPattern): boolean =>
    wild.some((other) => other !== pattern && isPatternIncluded(pattern, [other], budget));
  return patterns.filter((pattern) => !isNeedless(pattern)).map(({ text }) => text);
}
