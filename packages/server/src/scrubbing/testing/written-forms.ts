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
  "HTML for Go": (secret) => html(secret, { '"': "&#34;", "'": "&#39;" }),
  "HTML that is not in an attribute": (secret) => html(secret, {}),
  XML: (secret) => html(secret, { '"': "&quot;", "'": "&apos;" }),
};

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
