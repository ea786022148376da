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

/** `multipart` because an envelope is text, and so are the fields in it, whatever files stand between them. */
const TEXTUAL_TYPES: ReadonlySet<string> = new Set(["text", "message", "multipart"]);

const TEXTUAL_APPLICATION_SUBTYPES: ReadonlySet<string> = new Set([
  "ecmascript",
  "graphql",
  "http",
  "javascript",
  "json",
  "json-seq",
  "json5",
  "jsonl",
  "jsonlines",
  "jwt",
  "ndjson",
  "sql",
  "toml",
  "x-javascript",
  "x-json",
  "x-jsonl",
  "x-jsonlines",
  "x-ndjson",
  "x-www-form-urlencoded",
  "x-yaml",
  "xml",
  "xml-dtd",
  "xml-external-parsed-entity",
  "yaml",
]);

/** RFC 6839, RFC 8091, RFC 8417, RFC 9512. */
const TEXTUAL_SUFFIXES = ["+json", "+json-seq", "+jwt", "+xml", "+yaml"];

/**
 * Whether a body of this Content-Type is searched for secrets: text in any notation, forms, streams of JSON or of
 * events. So is one without a type and one whose type cannot be read as exactly one media type, since nobody knows
 * what the receiver will make of it. Several fields are given joined by commas.
 */
export function isTextual(contentType: string | undefined): boolean {
  const [, type, subtype] = MEDIA_TYPE.exec(contentType?.toLowerCase() ?? "") ?? [];
  if (type === undefined || subtype === undefined) return true;
  if (TEXTUAL_TYPES.has(type)) return true;
  if (type === "application" && TEXTUAL_APPLICATION_SUBTYPES.has(subtype)) return true;
  return TEXTUAL_SUFFIXES.some((suffix) => subtype.endsWith(suffix));
}
