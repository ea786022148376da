/** Searches every pattern at every place and overwrites what it finds: what the automaton must be equal to. */
export function naiveScrub(text: Buffer, patterns: readonly Uint8Array[]): Buffer {
  const scrubbed = Buffer.from(text);
  for (const pattern of patterns) {
    for (let at = text.indexOf(pattern); at >= 0; at = text.indexOf(pattern, at + 1)) {
      scrubbed.fill("*", at, at + pattern.length);
    }
  }
  return scrubbed;
}

/** Length of the longest suffix of `text` that is a start of a longer pattern. */
export function naiveDepth(text: Buffer, patterns: readonly Uint8Array[]): number {
  let depth = 0;
  for (const pattern of patterns) {
    for (let length = Math.min(pattern.length - 1, text.length); length > depth; length -= 1) {
      if (text.subarray(text.length - length).equals(pattern.subarray(0, length))) depth = length;
    }
  }
  return depth;
}
