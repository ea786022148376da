const FIRST_ESCAPE = 0x4000;

/**
 * A path or pattern with each `%XX` as one character, so that no wildcard ever splits one. Two escapes are the same
 * unit if they are written the same, upper and lower case of the digits included; none is the unit of the character
 * that it stands for.
 *
 * @param text ASCII, of which every `%` is followed by two characters
 */
export function toPathUnits(text: string): string {
  if (!text.includes("%")) return text;
  return text.replaceAll(/%(..)/g, (_, digits: string) =>
    String.fromCharCode(FIRST_ESCAPE | (digits.charCodeAt(0) << 7) | digits.charCodeAt(1)),
  );
}
