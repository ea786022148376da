const NOT_ALPHANUMERIC = /[^A-Za-z0-9]/g;

/**
 * Which characters of a text encoders escape that differ in that alone, each given by what it escapes: every different
 * choice once, none of them empty. No encoder escapes letters and digits of ASCII. UTF-16 units.
 */
export function escapeChoices(text: string, encoders: readonly RegExp[]): ReadonlySet<string>[] {
  const present = Array.from(new Set(text.match(NOT_ALPHANUMERIC)));
  const choices = new Map<string, ReadonlySet<string>>();
  for (const escaped of encoders) {
    const chosen = present.filter((character) => escaped.test(character));
    if (chosen.length > 0) choices.set(chosen.join(""), new Set(chosen));
  }
  return [...choices.values()];
}

/** The text with each UTF-16 unit that is no letter or digit of ASCII written as `write` says, which is asked once. */
export function rewritten(text: string, write: (unit: string) => string): string {
  const known = new Map<string, string>();
  return text.replace(NOT_ALPHANUMERIC, (unit) => {
    let written = known.get(unit);
    if (written === undefined) known.set(unit, (written = write(unit)));
    return written;
  });
}
