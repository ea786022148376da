import stringWidth from "fast-string-width";

/** How many columns of a terminal a text fills: a person's name is in any script, and colours take no room. */
export function columnsOf(text: string): number {
  return stringWidth(text);
}

/** A text in so many columns, with an ellipsis where it is cut: never within what a person sees as one character. */
export function cutToColumns(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  let kept = "";
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (columnsOf(kept + segment) >= columns) break;
    kept += segment;
  }
  return `${kept}…`;
}
