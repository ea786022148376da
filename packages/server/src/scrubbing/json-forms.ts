import { escapeChoices, rewritten } from "./escape-choices.js";

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

/** All that one of them escapes, and more. */
const OFTEN_ESCAPED = /[^A-Za-z0-9._-]/gu;

const EVERYTHING = /[^]/gu;

/** What stricter and older encoders of JSON and of string literals escape, alone or together. */
const RARELY_ESCAPED: readonly RegExp[] = [
  /[+]/,
  /[=]/,
  /[/]/,
  /[-]/,
  /[/=]/,
  /[+/=]/,
  // Jinja
  /[<>&']/,
  // Closure
  /[<>&'"=/]/,
  // Go's templates
  /[<>&'"+`]/,
  // Django
  /[<>&'"=;`\\-]/,
  /[^A-Za-z0-9._-]/,
  /[^A-Za-z0-9_]/,
  // OWASP
  /[^A-Za-z0-9]/,
];

/** The text as those write it, with `\uXXXX` and with `\xXX`, hex digits in upper and lower case. */
export function rareJsonForms(text: string): string[] {
  return escapeChoices(text, RARELY_ESCAPED).flatMap((chosen) =>
    [false, true].flatMap((upper) =>
      [false, true].map((shortHex) =>
        rewritten(text, (unit) => {
          if (chosen.has(unit)) return unitEscape(unit, upper, shortHex);
          return SHORT_ESCAPES[unit] ?? (unit < " " ? unitEscape(unit, upper, false) : unit);
        }),
      ),
    ),
  );
}

/** The text as the common JSON encoders write it between the quotes. May repeat. */
export function jsonForms(text: string): string[] {
  return ENCODERS.map((encoder) => escape(text, encoder));
}

/** Every UTF-16 unit as `\uXXXX`, in upper and lower case. */
export function wholeJsonForms(text: string): string[] {
  return [false, true].map((upper) =>
    text.replace(EVERYTHING, (character) => unicodeEscapes(character, upper)),
  );
}

function escape(text: string, { asUnicode, upper = false, slash = false }: JsonEncoder): string {
  return text.replace(OFTEN_ESCAPED, (character) => {
    if (asUnicode.test(character)) return unicodeEscapes(character, upper);
    const short = SHORT_ESCAPES[character];
    if (short !== undefined) return short;
    if (character < " ") return unicodeEscapes(character, upper);
    return slash && character === "/" ? "\\/" : character;
  });
}

function unicodeEscapes(character: string, upper: boolean): string {
  let escapes = "";
  for (let i = 0; i < character.length; i += 1) escapes += unitEscape(character.charAt(i), upper, false);
  return escapes;
}

/** @param shortHex `\xXX` where that is enough */
function unitEscape(unit: string, upper: boolean, shortHex: boolean): string {
  const code = unit.charCodeAt(0);
  const isShort = shortHex && code <= 0xff;
  const hex = code.toString(16).padStart(isShort ? 2 : 4, "0");
  return `\\${isShort ? "x" : "u"}${upper ? hex.toUpperCase() : hex}`;
}
