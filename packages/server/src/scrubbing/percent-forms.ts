const LETTERS_AND_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

const ENCODERS = [
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
].map(({ keeps, space }) => ({ kept: new Set(LETTERS_AND_DIGITS + keeps), space }));

const NONE: ReadonlySet<string> = new Set();

/** The bytes as the common percent-encoders write them, hex digits in upper and lower case; ASCII. May repeat. */
export function percentForms(bytes: Uint8Array): string[] {
  return ENCODERS.flatMap(({ kept, space }) => inBothCases(bytes, kept, space));
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
