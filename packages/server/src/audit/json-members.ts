/** What JSON leaves as it is, and a terminal or an editor may act on: DEL, C1, line and paragraph separators, direction marks. */
const UNSEEN = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
const HAS_UNSEEN = new RegExp(UNSEEN.source);

/** The members of a JSON object without its braces, every control character escaped. Fields that are undefined are left out. */
export function jsonMembers(fields: object): string {
  const json = JSON.stringify(fields);
  const safe = HAS_UNSEEN.test(json) ? json.replace(UNSEEN, escapeCharacter) : json;
  return safe.slice(1, -1);
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
