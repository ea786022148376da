/** How many letters allow for one edit more. */
const LETTERS_PER_EDIT = 6;
const SHOWN = 3;

/** Which names may have been meant by one that is none, the nearest first: at most three. */
export function closestNames(written: string, names: readonly string[]): string[] {
  const wanted = written.toLowerCase();
  return names
    .map((name) => ({ name, distance: distanceOf(wanted, name.toLowerCase()) }))
    .filter(({ distance }) => distance <= 1 + wanted.length / LETTERS_PER_EDIT)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, SHOWN)
    .map(({ name }) => name);
}

/** Nothing where one begins or ends as the other, else the edits of Levenshtein. */
function distanceOf(a: string, b: string): number {
  if (a.length >= 3 && (b.startsWith(a) || b.endsWith(a))) return 0;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
