/** Where fewer letters would make many words alike. */
const LETTERS_PER_MISTAKE = 4;
const MOST = 4;

/**
 * Ids that somebody may have meant by `word`: those that have it, or whose titles have it, or are a slip of the pen away.
 * @param titles by id
 */
export function nearNames(word: string, titles: ReadonlyMap<string, string>): readonly string[] {
  const wanted = squeezed(word);
  if (wanted === "") return [];
  const mistakes = Math.floor(wanted.length / LETTERS_PER_MISTAKE);
  const ranked = [...titles].flatMap(([id, title]) => {
    const names = [squeezed(id), squeezed(title)];
    const away = Math.min(...names.map((name) => (holds(name, wanted) ? 0 : distance(wanted, name))));
    const holdsName = names.some((name) => holds(wanted, name));
    if (away > mistakes && !holdsName) return [];
    return [{ id, rank: names.includes(wanted) ? -1 : away }];
  });
  return ranked
    .sort((a, b) => a.rank - b.rank)
    .slice(0, MOST)
    .map(({ id }) => id);
}

/** A part of three letters (`api`) is in too many words. */
function holds(name: string, part: string): boolean {
  return part.length >= LETTERS_PER_MISTAKE && name.includes(part);
}

function squeezed(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, "");
}

/** How many letters must be added, left out or changed, or changed places with their neighbours (Damerau 1964). */
function distance(from: string, to: string): number {
  const rows = [Array.from({ length: to.length + 1 }, (_, column) => column)];
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const at = (line: number, column: number): number => rows[line]?.[column] ?? 0;
      const changed = at(i - 1, j - 1) + (from[i - 1] === to[j - 1] ? 0 : 1);
      const swapped =
        i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]
          ? at(i - 2, j - 2) + 1
          : Number.POSITIVE_INFINITY;
      row.push(Math.min(at(i - 1, j) + 1, (row[j - 1] ?? 0) + 1, changed, swapped));
    }
    rows.push(row);
  }
  return rows[from.length]?.[to.length] ?? 0;
}
