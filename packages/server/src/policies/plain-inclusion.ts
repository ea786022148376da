import type { DeepPattern, PathPattern, SegmentPattern } from "./path-pattern.js";

/**
 * Whether one pattern's paths are among another's as is seen segment by segment, without any search: as `/a/x*` is among
 * `/a/*` and `/a/**`. Never yes wrongly; of many that are included it says no.
 */
export function isPlainlyIncluded(narrower: PathPattern, wider: PathPattern): boolean {
  const isOpen = wider.segments.at(-1)?.kind === "deep";
  const start = isOpen ? wider.segments.slice(0, -1) : wider.segments;
  if (isOpen ? narrower.segments.length < start.length : narrower.segments.length !== start.length)
    return false;
  return start.every((segment, index) => isSegmentIncluded(narrower.segments[index], segment));
}

function isSegmentIncluded(
  narrower: SegmentPattern | DeepPattern | undefined,
  wider: SegmentPattern | DeepPattern,
): boolean {
  if (narrower === undefined) return false;
  switch (wider.kind) {
    case "deep":
      return narrower.kind === "deep";
    case "any":
      return isNeverEmpty(narrower);
    case "literal":
      return narrower.kind === "literal" && narrower.text === wider.text;
    case "glob":
      return narrower.kind === "glob" && narrower.pieces.join("*") === wider.pieces.join("*");
  }
}

/** And one segment, whatever it stands for. */
function isNeverEmpty(segment: SegmentPattern | DeepPattern): boolean {
  switch (segment.kind) {
    case "deep":
      return false;
    case "any":
      return true;
    case "literal":
      return segment.text !== "";
    case "glob":
      return segment.pieces.some((piece) => piece !== "");
  }
}
