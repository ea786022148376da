/**
 * Tries every way to match a pattern, by its definition and nothing else; exponential, and so for short texts only.
 * Written without the code that it checks.
 */
export function naivelyMatches(pattern: string, path: string): boolean {
  return matchSegments(pattern.slice(1).split("/"), path === "" ? [""] : path.slice(1).split("/"));
}

function matchSegments(patterns: readonly string[], segments: readonly string[]): boolean {
  const [pattern, ...rest] = patterns;
  if (pattern === undefined) return segments.length === 0;
  if (pattern === "**") {
    return (
      segments.some((_, skipped) => matchSegments(rest, segments.slice(skipped))) || matchSegments(rest, [])
    );
  }
  const [segment, ...others] = segments;
  if (segment === undefined || (pattern === "*" && segment === "")) return false;
  return matchText(Array.from(pattern), Array.from(segment)) && matchSegments(rest, others);
}

function matchText(pattern: readonly string[], text: readonly string[]): boolean {
  const [wanted, ...rest] = pattern;
  if (wanted === undefined) return text.length === 0;
  if (wanted === "*") return matchText(rest, text) || (text.length > 0 && matchText(pattern, text.slice(1)));
  return text[0] === wanted && matchText(rest, text.slice(1));
}
