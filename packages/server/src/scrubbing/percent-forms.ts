const LETTERS_AND_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

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
  return { kept: new Set(LETTERS_AND_DIGITS + keeps), space };
}

const NONE: ReadonlySet<string> = new Set();

/** The bytes as the common percent-encoders write them, hex digits in upper and lower case; ASCII. May repeat. */
export function percentForms(bytes: Uint8Array): string[] {
  return COMMON_ENCODERS.flatMap(({ kept, space }) => inBothCases(bytes, kept, space));
}

/** The same as stricter and older encoders write them; Latin-1 for bytes. */
export function rarePercentForms(bytes: Uint8Array): string[] {
  const raw = Buffer.from(bytes).toString("latin1");
  return [
    ...RARE_ENCODERS.flatMap(({ kept, space }) => inBothCases(bytes, kept, space)),
    // what a form would read as a space, and nothing else
    ...["%2B", "%2b"].map((plus) => raw.replaceAll("+", plus)),
  ];
}

/** The text as ECMAScript's `escape` writes it, hex digits in upper and lower case; ASCII. */
export function escapeForms(text: string): string[] {
  const { kept, space } = KEPT_BY_ESCAPE;
  const pieces = Array.from(text.matchAll(/[\0-\xff]+|[^]/g), ([piece]) =>
    piece.charCodeAt(0) > 0xff
      ? [`%u${hexUnit(piece).toUpperCase()}`, `%u${hexUnit(piece)}`]
      : inBothCases(Buffer.from(piece, "latin1"), kept, space),
  );
  return [0, 1].map((which) => pieces.map((cases) => cases[which] ?? "").join(""));
}

function hexUnit(unit: string): string {
  return unit.charCodeAt(0).toString(16).padStart(4, "0");
}

/** Every byte as `%XX`, in upper and lower case. */
export function wholePercentForms(bytes: Uint8Array): string[] {
  return inBothCases(bytes, NONE, "%20");
}

function inBothCases(bytes: Uint8Array, kept: ReadonlySet<string>, space: string): string[] {
  let upper = "";
  let lower = "";
  for (const byte of bytes) {
    const character = String.fromCharCode(byte);
    const hex = byte.toString(16).padStart(2, "0");
    const isSpace = character === " ";
    upper += kept.has(character) ? character : isSpace ? space : `%${hex.toUpperCase()}`;
    lower += kept.has(character) ? character : isSpace ? space : `%${hex}`;
  }
  return [upper, lower];
}
