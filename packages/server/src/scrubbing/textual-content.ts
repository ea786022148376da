/** RFC 9110 §5.6.2. */
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
/** RFC 9110 §5.6.4. */
const QUOTED_STRING = '"(?:[^"\\\\]|\\\\[^])*"';
const SPACE = "[ \\t]*";
const PARAMETER = `${TOKEN}=(?:${TOKEN}|${QUOTED_STRING})`;

/** RFC 9110 §8.3.1: `type/subtype *( OWS ";" OWS [ parameter ] )`, one value. */
const MEDIA_TYPE = new RegExp(
  `^${SPACE}(${TOKEN})/(${TOKEN})${SPACE}(?:;${SPACE}(?:${PARAMETER}${SPACE})?)*$`,
);

/** @returns undefined if it cannot be read as exactly one media type; else type and subtype in lower case */
export function readMediaType(
  contentType: string | undefined,
): { readonly type: string; readonly subtype: string } | undefined {
  const [, type, subtype] = MEDIA_TYPE.exec(contentType?.toLowerCase() ?? "") ?? [];
  return type === undefined || subtype === undefined ? undefined : { type, subtype };
}

/** `multipart` because an envelope is text, and so are the fields in it, whatever files stand between them. */
const TEXTUAL_TYPES: ReadonlySet<string> = new Set(["text", "message", "multipart"]);

/** Suffixes (RFC 6838 §4.2.8) and other last words of a subtype that say what the bytes are: text, or none. */
const TEXTUAL_SUFFIX = /\+(?:json|json-seq|jwt|xml|yaml|yml|csv|text)$/;
const BINARY_SUFFIX =
  /[+-](?:avro|bson|cbor|cbor-seq|ber|der|compressed|exi|fastinfoset|gzip|msgpack|octet-stream|sqlite3|tlv|wbxml|zip|zstd)$/;

/** Binary files whose subtype says of what they are made, or for what. */
const BINARY_FAMILY =
  /^(?:vnd\.sun\.xml\.|vnd\.stardivision\.|vnd\.oasis\.opendocument\.(?!.*-flat-xml$)|vnd\.sealed|x-font-|x-tex-(?:tfm|pk|gf)$|x-(?:bps|ips)-patch$|x-python-(?:byte)?code$)/;

/** Words of a subtype (what stands between `.`, `+`, `-` and `_`) that mean text. */
const TEXTUAL_WORD = new RegExp(
  `^(?:${[
    "(?!u?bjson|jsonb$)[a-z0-9]*json[a-z0-9]*",
    "xml|xhtml|xmlrpc|html|ya?ml|toml|csv|values|ini|properties|conf|text|plaintext|richtext|rtf|markdown",
    "log|logfmt|openmetrics|form|urlencoded|http|sdp|smil|mpegurl|subrip|vcard|calendar|ldif|diff|patch",
    "(?:java|ecma|type|live|coffee|j|apple|action|shell)?script|sh|csh|bash|ksh|zsh|php|perl|python|ruby|tcl",
    "sql|graphql|sparql|cypher|n3|quads|triples|trig|turtle|tex|latex|texinfo|xliff|wsdl|dtd",
    "pem|pgp|jose|jwt|jwk|jws|jwe",
  ].join("|")})$`,
);

/**
 * Whether a body of this Content-Type is searched for secrets: text in any notation, forms, streams of JSON or of
 * events. So is one without a type and one whose type cannot be read as exactly one media type, since nobody knows
 * what the receiver will make of it. Several fields are given joined by commas.
 */
export function isTextual(contentType: string | undefined): boolean {
  const mediaType = readMediaType(contentType);
  if (mediaType === undefined) return true;
  const { type, subtype } = mediaType;
  if (TEXTUAL_TYPES.has(type) || TEXTUAL_SUFFIX.test(subtype)) return true;
  if (BINARY_SUFFIX.test(subtype) || BINARY_FAMILY.test(subtype)) return false;
  const words = subtype.split(/[.+_-]/);
  return type === "application" ? words.some((word) => TEXTUAL_WORD.test(word)) : words.includes("mpegurl");
}
