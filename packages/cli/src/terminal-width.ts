/** Characters that fill one column each, and are one each. */
const PLAIN = /^[\x20-\x7e]*$/;

/** What fills two columns: wide and fullwidth characters (UAX #11) and what is shown as a picture (UTS #51). */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\p{Emoji}\ufe0f/u;

/** How many columns of a terminal a text fills. A person's name is in any script. */
export function columnsOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  return charactersOf(text).reduce((columns, character) => columns + columnsOfCharacter(character), 0);
}

/** A text in so many columns, with an ellipsis where it is cut: never within a character. */
export function cutToColumns(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  let kept = "";
  let room = columns - 1;
  for (const character of charactersOf(text)) {
    room -= columnsOfCharacter(character);
    if (room < 0) break;
    kept += character;
  }
  return `${kept}…`;
}

/** What a person sees as one: a letter with its accents, a picture made of several. */
function charactersOf(text: string): string[] {
  return Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
}

function columnsOfCharacter(character: string): number {
  return WIDE.test(character) ? 2 : 1;
}
