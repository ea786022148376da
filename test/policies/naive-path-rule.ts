/**
 * Whether a path below a service fits a pattern, by the one sentence of the design: "`*` within a segment, `**` across;
 * must match both as sent and percent-decoded". Written from that alone, and without regard to time: what the product
 * does is judged by it. Both are Latin-1 texts, one character an octet.
 */
export function fitsNaively(pattern: string, path: string): boolean {
  return (
    fitsSegments(segmentsOf(pattern), segmentsOf(path)) &&
    fitsSegments(segmentsOf(decoded(pattern)), segmentsOf(decoded(path))) &&
    fitsSegments(segmentsOf(decoded(pattern)), segmentsOf(decodedFully(path)))
  );
}

/** With `\` read as `/`, and decoded until nothing changes: what the most lenient upstream would see. */
export function decodedFully(path: string): string {
  const once = decoded(path).replaceAll("\\", "/");
  return once === path ? path : decodedFully(once);
}

function decoded(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}

function segmentsOf(path: string): string[] {
  return (path === "" ? "/" : path).slice(1).split("/");
}

function fitsSegments([pattern, ...patterns]: string[], path: string[]): boolean {
  if (pattern === undefined) return path.length === 0;
  const [segment, ...segments] = path;
  if (pattern === "**") {
    return (
      fitsSegments(patterns, path) || (segment !== undefined && fitsSegments(["**", ...patterns], segments))
    );
  }
  return segment !== undefined && fitsSegment(pattern, segment) && fitsSegments(patterns, segments);
}

function fitsSegment(pattern: string, segment: string): boolean {
  return pattern === "*" ? segment !== "" : fitsCharacters(pattern, segment);
}

function fitsCharacters(pattern: string, text: string): boolean {
  if (pattern === "") return text === "";
  if (pattern.startsWith("*")) {
    return fitsCharacters(pattern.slice(1), text) || (text !== "" && fitsCharacters(pattern, text.slice(1)));
  }
  return text.startsWith(pattern.charAt(0)) && fitsCharacters(pattern.slice(1), text.slice(1));
}
