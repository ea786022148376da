const LETTERS_AND_DIGITS = "A-Za-z0-9";

const COMMON_ENCODERS = [
  // RFC 3986 §2.3 `unreserved`; PHP rawurlencode
  { keeps: "-._~", space: "%20" },
  // Go QueryEscape, Python quote_plus
  { keeps: "-._~", space: "+" },
  // Python quote
  { keeps: "-._~/", space: "%20" },
  // Go PathEscape
  { keeps: "-._~$&+:=@", space: "%20" },
  // ECMAScript encodeURIComponent
  { keeps: "-_.!~*'()", space: "%20" },
  // ECMAScript encodeURI
  { keeps: "-_.!~*'();/?:@&=+$,#", space: "%20" },
  // application/x-www-form-urlencoded (WHATWG URL §5.2), Java URLEncoder
  { keeps: "-._*", space: "+" },
].map(encoder);

const RARE_ENCODERS = [
  // Rust's NON_ALPHANUMERIC, OWASP's encoders
  { keeps: "", space: "%20" },
  { keeps: "", space: "+" },
  // PHP urlencode
  { keeps: "-._", space: "+" },
  // Python 2 quote
  { keeps: "-._/", space: "%20" },
].map(encoder);

/** ECMAScript's old `escape` (ECMA-262 §B.2.1.1). */
const KEPT_BY_ESCAPE = encoder({ keeps: "@*_+-./", space: "%20" });

function encoder({ keeps, space }: { readonly keeps: string; readonly space: string }) {
  const listed = keeps.replaceAll(/[^A-Za-z0-9]/g, "\\$&");
  return { escaped: new RegExp(`[^${LETTERS_AND_DIGITS}${listed}]`, "g"), space };
}

const EVERY_CHARACTER = /[^]/g;
/** By character code. */
const ESCAPES = [0, 1].map((isLower) =>
  Array.from({ length: 256 }, (_, code) => {
    const hex = code.toString(16).padStart(2, "0");
    return `%${isLower === 1 ? hex : hex.toUpperCase()}`;
  }),
);

/** The bytes as the common percent-encoders write them, hex digits in upper and lower case; ASCII. May repeat. */
export function percentForms(bytes: Uint8Array): string[] {
  const latin1 = latin1Of(bytes);
  return COMMON_ENCODERS.flatMap((encoder) => inBothCases(latin1, encoder));
}

/** The same as stricter and older encoders write them; Latin-1 for bytes. */
export function rarePercentForms(bytes: Uint8Array): string[] {
  const latin1 = latin1Of(bytes);
  return [
    ...RARE_ENCODERS.flatMap((encoder) => inBothCases(latin1, encoder)),
    // what a form would read as a space, and nothing else
    ...["%2B", "%2b"].map((plus) => latin1.replaceAll("+", plus)),
  ];
}

/** The text as ECMAScript's `escape` writes it, hex digits in upper and lower case; ASCII. */
export function escapeForms(text: string): string[] {
  const pieces = Array.from(text.matchAll(/[\0-\xff]+|[^]/g), ([piece]) =>
    piece.charCodeAt(0) > 0xff
      ? [`%u${hexUnit(piece).toUpperCase()}`, `%u${hexUnit(piece)}`]
      : inBothCases(piece, KEPT_BY_ESCAPE),
  );
  return [0, 1].map((which) => pieces.map((cases) => cases[which] ?? "").join(""));
}

function hexUnit(unit: string): string {
  return unit.charCodeAt(0).toString(16).padStart(4, "0");
}

/** Every byte as `%XX`, in upper and lower case. */
export function wholePercentForms(bytes: Uint8Array): string[] {
  return inBothCases(latin1Of(bytes), { escaped: EVERY_CHARACTER, space: "%20" });
}

function latin1Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

function inBothCases(latin1: string, { escaped, space }: ReturnType<typeof encoder>): string[] {
  return ESCAPES.map((escapes) =>
    latin1.replace(escaped, (character) =>
      character === " " ? space : (escapes[character.charCodeAt(0)] ?? character),
    ),
  );
}
