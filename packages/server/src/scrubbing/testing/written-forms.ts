/** A secret as other programs write it: encoders of the platform where there is one, and none of the code under test. */
export const WRITTEN_FORMS: Readonly<Record<string, (secret: string) => string>> = {
  raw: (secret) => secret,
  encodeURIComponent: encodeURIComponent,
  "encodeURIComponent, lower case": (secret) =>
    encodeURIComponent(secret).replace(/%../g, (triplet) => triplet.toLowerCase()),
  "RFC 3986 unreserved": rfc3986,
  encodeURI: encodeURI,
  form: (secret) => new URLSearchParams({ a: secret }).toString().slice(2),
  quote_plus: (secret) => rfc3986(secret).replaceAll("%20", "+"),
  "every byte percent-encoded": (secret) => Buffer.from(secret).toString("hex").replace(/../g, "%$&"),
  "every byte percent-encoded, upper case": (secret) =>
    Buffer.from(secret).toString("hex").toUpperCase().replace(/../g, "%$&"),
  JSON: (secret) => JSON.stringify(secret).slice(1, -1),
  "JSON with escaped slashes": (secret) => JSON.stringify(secret).slice(1, -1).replaceAll("/", "\\/"),
  "JSON in ASCII": (secret) => asciiOnly(JSON.stringify(secret).slice(1, -1)),
  "JSON in ASCII, upper case": (secret) => upperHex(asciiOnly(JSON.stringify(secret).slice(1, -1))),
  "JSON as Go writes it": (secret) =>
    JSON.stringify(secret)
      .slice(1, -1)
      .replace(/[<>&\u2028\u2029]/g, unicodeEscape),
  "JSON as System.Text.Json writes it": (secret) =>
    JSON.stringify(secret)
      .slice(1, -1)
      .replaceAll('\\"', "\\u0022")
      .replace(/[<>&'+`\x7f]|[^\0-\x7f]/g, (unit) => upperHex(unicodeEscape(unit))),
  "every character as \\uXXXX": (secret) => secret.replace(/[^]/g, unicodeEscape),
  "every character as \\uXXXX, upper case": (secret) => upperHex(secret.replace(/[^]/g, unicodeEscape)),
  "JSON in ASCII with escaped slashes": (secret) =>
    asciiOnly(JSON.stringify(secret).slice(1, -1)).replaceAll("/", "\\/"),
  "JSON in ASCII with escaped slashes, upper case": (secret) =>
    upperHex(asciiOnly(JSON.stringify(secret).slice(1, -1)).replaceAll("/", "\\/")),
  "JSON as Gson writes it": (secret) =>
    JSON.stringify(secret)
      .slice(1, -1)
      .replace(/[<>&='\u2028\u2029]/g, unicodeEscape),
  "JSON as PHP writes it for HTML": (secret) =>
    upperHex(
      asciiOnly(JSON.stringify(secret).slice(1, -1).replaceAll('\\"', "\\u0022"))
        .replace(/[<>&']/g, unicodeEscape)
        .replaceAll("/", "\\/"),
    ),
  "a path for Python": (secret) => rfc3986(secret).replaceAll("%2F", "/"),
  "a path segment for Go": (secret) =>
    rfc3986(secret).replace(/%(?:24|26|2B|3A|3D|40)/g, (triplet) => decodeURIComponent(triplet)),
  HTML: (secret) => html(secret, { '"': "&quot;", "'": "&#39;" }),
  "HTML for Python": (secret) => html(secret, { '"': "&quot;", "'": "&#x27;" }),
  "HTML for PHP": (secret) => html(secret, { '"': "&quot;", "'": "&#039;" }),
  "HTML for PHP before 8.1": (secret) => html(secret, { '"': "&quot;" }),
  "HTML for Go": (secret) => html(secret, { '"': "&#34;", "'": "&#39;" }),
  "HTML that is not in an attribute": (secret) => html(secret, {}),
  ...escapedForms("percent-encoded for Rust", /[^A-Za-z0-9]/gu, (character, hex) =>
    hexOfBytes(character, hex),
  ),
  ...escapedForms("percent-encoded for PHP", /[^A-Za-z0-9._-]/gu, (character, hex) =>
    character === " " ? "+" : hexOfBytes(character, hex),
  ),
  ...escapedForms("percent-encoded for Python 2", /[^A-Za-z0-9._/-]/gu, hexOfBytes),
  ...escapedForms("with escape()", /[^A-Za-z0-9@*_+./-]/g, (unit, hex) =>
    unit > "\xff" ? `%u${hex(unit, 4)}` : `%${hex(unit, 2)}`,
  ),
  "with %2B for the plus sign alone": (secret) => secret.replaceAll("+", "%2B"),
  ...escapedForms("with \\u for the plus sign", /[+]/g, backslashU),
  ...escapedForms("with \\u for the equals sign", /[=]/g, backslashU),
  ...escapedForms("with \\u for the slash", /[/]/g, backslashU),
  ...escapedForms("with \\u for the hyphen", /[-]/g, backslashU),
  ...escapedForms("with \\u for Jinja", /[<>&']/g, backslashU),
  ...escapedForms("with \\u for Go's templates", /[<>&'"+`]/g, backslashU),
  ...escapedForms("with \\u for Django", /[<>&'"=;`\\-]/g, backslashU),
  ...escapedForms("with \\x for slash and equals sign", /[/=]/g, backslashX),
  ...escapedForms("with \\x for Closure", /[<>&'"=/]/g, backslashX),
  ...escapedForms("with \\x for OWASP", /[^A-Za-z0-9]/g, backslashX),
  ...escapedForms("with \\u for all punctuation but ._-", /[^A-Za-z0-9._-]/g, backslashU),
  ...escapedForms("with \\x for all but word characters", /[^A-Za-z0-9_]/g, backslashX),
  "HTML for Mustache": (secret) =>
    html(secret, { '"': "&quot;", "'": "&#39;" })
      .replaceAll("/", "&#x2F;")
      .replaceAll("`", "&#x60;")
      .replace(/=/g, "&#x3D;"),
  "HTML for Handlebars": (secret) =>
    html(secret, { '"': "&quot;", "'": "&#x27;" }).replaceAll("`", "&#x60;").replace(/=/g, "&#x3D;"),
  ...referenceForms("+", "+"),
  ...referenceForms("/", "/"),
  ...referenceForms("=", "="),
  ...referenceForms("+'`", "+ ' `"),
  ...referenceForms("/'", "/ '"),
  ...referenceForms("+/='`", "+ / = ' `"),
  XML: (secret) => html(secret, { '"': "&quot;", "'": "&apos;" }),
};

type Hex = (text: string, digits: number) => string;

function lower(unit: string, digits: number): string {
  return unit.charCodeAt(0).toString(16).padStart(digits, "0");
}

function upper(unit: string, digits: number): string {
  return lower(unit, digits).toUpperCase();
}

/** The escapes of all that matches, in both cases of hex digits; for `\u` and `\x` in what JSON makes of the rest. */
function escapedForms(
  name: string,
  matches: RegExp,
  write: (character: string, hex: Hex) => string,
): Record<string, (secret: string) => string> {
  const isLiteral = name.startsWith("with \\");
  const inCase = (hex: Hex) => (secret: string) =>
    Array.from(secret.match(matches.unicode ? /[^]/gu : /[^]/g) ?? [], (character) => {
      matches.lastIndex = 0;
      if (matches.test(character)) return write(character, hex);
      return isLiteral ? literal(character, hex) : character;
    }).join("");
  return { [`${name}, upper case`]: inCase(upper), [`${name}, lower case`]: inCase(lower) };
}

function literal(character: string, hex: Hex): string {
  if (/[\ud800-\udfff]/.test(character)) return character;
  const written = JSON.stringify(character).slice(1, -1);
  return written.startsWith("\\u") ? backslashU(character, hex) : written;
}

function backslashU(unit: string, hex: Hex): string {
  return `\\u${hex(unit, 4)}`;
}

function backslashX(unit: string, hex: Hex): string {
  return unit > "\xff" ? backslashU(unit, hex) : `\\x${hex(unit, 2)}`;
}

function hexOfBytes(character: string, hex: Hex): string {
  return Array.from(Buffer.from(character), (byte) => `%${hex(String.fromCharCode(byte), 2)}`).join("");
}

function referenceForms(characters: string, name: string): Record<string, (secret: string) => string> {
  const forms: Record<string, (secret: string) => string> = {};
  const styles = {
    upper: (unit: string) => `&#x${upper(unit, 1)};`,
    lower: (unit: string) => `&#x${lower(unit, 1)};`,
    decimal: (unit: string) => `&#${unit.charCodeAt(0)};`,
  };
  const five: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  for (const [style, reference] of Object.entries(styles)) {
    const numeric = (unit: string) => (characters.includes(unit) ? reference(unit) : unit);
    forms[`HTML references of ${name}, ${style}`] = (secret) => secret.replace(/[^]/g, numeric);
    forms[`HTML references of ${name}, ${style}, with named ones`] = (secret) =>
      secret.replace(/[^]/g, (unit) => five[unit] ?? numeric(unit));
  }
  return forms;
}

function html(text: string, quotes: Readonly<Record<string, string>>): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replace(/["']/g, (quote) => quotes[quote] ?? quote);
}

function rfc3986(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function asciiOnly(text: string): string {
  return text.replace(/[^\0-\x7f]/g, unicodeEscape);
}

function unicodeEscape(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function upperHex(text: string): string {
  return text.replace(/\\u[0-9a-f]{4}/g, (escape) => `\\u${escape.slice(2).toUpperCase()}`);
}

/** Base64 of a secret with other bytes around it, and which of its characters those have no share in. */
export function base64Within(
  secret: string,
  before: Buffer,
  after: Buffer,
  alphabet: "base64" | "base64url",
): { text: string; from: number; to: number } {
  const bytes = Buffer.from(secret);
  const encode = (filling: number): string =>
    Buffer.concat([
      Buffer.alloc(before.length, filling),
      bytes,
      Buffer.alloc(after.length, filling),
    ]).toString(alphabet);
  const [zeros, ones] = [encode(0), encode(0xff)];
  const same = Array.from(zeros, (character, i) => character === ones[i] && character !== "=");
  return {
    text: Buffer.concat([before, bytes, after]).toString(alphabet),
    from: same.indexOf(true),
    to: same.lastIndexOf(true) + 1,
  };
}
