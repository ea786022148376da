/** RFC 8259 §7. */
const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\f": "\\f",
  "\r": "\\r",
  '"': '\\"',
  "\\": "\\\\",
};

interface JsonEncoder {
  /** What is written as `\uXXXX` beyond control characters; goes before the short escapes. */
  readonly asUnicode: RegExp;
  readonly upper?: boolean;
  readonly slash?: boolean;
}

const NON_ASCII = /[^\0-\x7f]/;

const ENCODERS: readonly JsonEncoder[] = [
  // ECMAScript JSON.stringify: lone surrogates only
  { asUnicode: /[\ud800-\udfff]/u },
  { asUnicode: /[\ud800-\udfff]/u, slash: true },
  // Python, Ruby ascii_only, PHP (with the slash), in both cases of hex digits
  { asUnicode: NON_ASCII },
  { asUnicode: NON_ASCII, upper: true },
  { asUnicode: NON_ASCII, slash: true },
  { asUnicode: NON_ASCII, upper: true, slash: true },
  // Go, Rails
  { asUnicode: /[<>&\u2028\u2029]/ },
  // Gson
  { asUnicode: /[<>&='\u2028\u2029]/ },
  // PHP's JSON_HEX_*
  { asUnicode: /[<>&'"]|[^\0-\x7f]/, upper: true, slash: true },
  // System.Text.Json
  { asUnicode: /[<>&'"+`\x7f]|[^\0-\x7f]/, upper: true },
];

const EVERYTHING = /[^]/;

/** The text as the common JSON encoders write it between the quotes. May repeat. */
export function jsonForms(text: string): string[] {
  return ENCODERS.map((encoder) => escape(text, encoder));
}

/** Every UTF-16 unit as `\uXXXX`, in upper and lower case. */
export function wholeJsonForms(text: string): string[] {
  return [escape(text, { asUnicode: EVERYTHING }), escape(text, { asUnicode: EVERYTHING, upper: true })];
}

function escape(text: string, { asUnicode, upper = false, slash = false }: JsonEncoder): string {
  let escaped = "";
  for (const character of text) {
    const short = SHORT_ESCAPES[character];
    if (asUnicode.test(character)) escaped += unicodeEscapes(character, upper);
    else if (short !== undefined) escaped += short;
    else if (character < " ") escaped += unicodeEscapes(character, upper);
    else escaped += slash && character === "/" ? "\\/" : character;
  }
  return escaped;
}

function unicodeEscapes(character: string, upper: boolean): string {
  let escapes = "";
  for (let i = 0; i < character.length; i += 1) {
    const hex = character.charCodeAt(i).toString(16).padStart(4, "0");
    escapes += `\\u${upper ? hex.toUpperCase() : hex}`;
  }
  return escapes;
}
