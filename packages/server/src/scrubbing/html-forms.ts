import { escapeChoices, rewritten } from "./escape-choices.js";

const COMMON_ENCODERS: readonly Readonly<Record<string, string>>[] = [
  // Python, lodash and PHP's default write the apostrophe in three ways
  { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;" },
  { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" },
  { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#039;" },
  // Go
  { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;" },
  // XML
  { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;" },
  // PHP before 8.1
  { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" },
  // text that is not in an attribute
  { "&": "&amp;", "<": "&lt;", ">": "&gt;" },
];

const NAMED: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

const MUSTACHE: Readonly<Record<string, string>> = { "/": "&#x2F;", "=": "&#x3D;", "`": "&#x60;" };
const HANDLEBARS: Readonly<Record<string, string>> = { "=": "&#x3D;", "`": "&#x60;" };

/** What other encoders write as a numeric character reference, alone or together. */
const RARELY_ESCAPED: readonly RegExp[] = [
  /[+]/,
  /[=]/,
  /[/]/,
  // Underscore and Lodash, older
  /[/']/,
  /[`']/,
  // System.Text.Encodings.Web
  /[+'`]/,
  /[+/='`]/,
  // OWASP, Laminas
  /[^A-Za-z0-9,._\s\x80-\uffff-]/,
  /[^A-Za-z0-9\s\x80-\uffff]/,
];

const REFERENCES: readonly ((code: number) => string)[] = [
  (code) => `&#x${code.toString(16).toUpperCase()};`,
  (code) => `&#x${code.toString(16)};`,
  (code) => `&#${code};`,
];

/** The text as the common HTML and XML encoders write it. May repeat. */
export function htmlForms(text: string): string[] {
  return COMMON_ENCODERS.map((encoder) => encode(text, encoder));
}

/** The same as encoders write it that escape more, hex digits in upper and lower case. */
export function rareHtmlForms(text: string): string[] {
  const forms = COMMON_ENCODERS.flatMap((encoder) => [
    encode(text, { ...encoder, ...MUSTACHE }),
    encode(text, { ...encoder, ...HANDLEBARS }),
  ]);
  for (const chosen of escapeChoices(text, RARELY_ESCAPED)) {
    for (const reference of REFERENCES) {
      const numeric = (unit: string): string => (chosen.has(unit) ? reference(unit.charCodeAt(0)) : unit);
      forms.push(
        rewritten(text, numeric),
        rewritten(text, (unit) => NAMED[unit] ?? numeric(unit)),
      );
    }
  }
  return forms;
}

function encode(text: string, encoder: Readonly<Record<string, string>>): string {
  return rewritten(text, (unit) => encoder[unit] ?? unit);
}
