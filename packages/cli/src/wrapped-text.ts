const LINE_LENGTH = 76;

/** Lines that fit any terminal, broken between words. */
export function wrappedText(text: string, length = LINE_LENGTH): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).filter((word) => word !== "")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > length) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
