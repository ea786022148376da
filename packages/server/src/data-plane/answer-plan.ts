import { textEncodingOf, type TextEncoding } from "../scrubbing/text-encoding.js";
import { isTextual } from "../scrubbing/textual-content.js";
import { parseContentCodings } from "./content-decoding.js";

/** What is done with the body of an answer on its way to the caller. */
export type AnswerPlan =
  | { readonly kind: "pass" }
  | {
      readonly kind: "scrub";
      /** Content codings to undo first. */
      readonly codings: readonly string[];
      /** The body is a part of something: a secret may be cut off at its ends. */
      readonly edges: boolean;
      /** What is known of the encoding of its text; the body may show that it is another. */
      readonly encoding: TextEncoding;
    }
  /** A text that cannot be read cannot be searched. */
  | { readonly kind: "refuse" };

const PASS: AnswerPlan = { kind: "pass" };

const NO_CONTENT = 204;
const PARTIAL_CONTENT = 206;
const NOT_MODIFIED = 304;

/** What the Content-Type fields of an answer say of its body. */
export interface BodyType {
  readonly isTextual: boolean;
  /** Undefined if it is, or may be, one that cannot be searched. */
  readonly encoding: TextEncoding | undefined;
}

export type ReadBodyType = (contentTypes: readonly string[]) => BodyType;

const readBodyType: ReadBodyType = (contentTypes) => ({
  isTextual: isTextual(contentTypes.length === 0 ? undefined : contentTypes.join(", ")),
  encoding: textEncodingOf(contentTypes),
});

/** For the answers of one service, which mostly say the same: what was said last is not read again. */
export function createBodyTypeReader(): ReadBodyType {
  let last: string | undefined;
  let known = readBodyType([]);
  return (contentTypes) => {
    const [only] = contentTypes;
    if (only === undefined || contentTypes.length > 1) return readBodyType(contentTypes);
    if (only !== last) {
      known = readBodyType(contentTypes);
      last = only;
    }
    return known;
  };
}

/**
 * Decides by the head of an answer. `headers` is flat: name, value, …
 *
 * @param isSearched whether the service has secrets that are searched for
 */
export function planAnswer(
  method: string,
  status: number,
  headers: readonly string[],
  isSearched: boolean,
  readType: ReadBodyType,
): AnswerPlan {
  if (!isSearched || method === "HEAD" || status === NO_CONTENT || status === NOT_MODIFIED) return PASS;
  const { isTextual: isText, encoding } = readType(valuesOf(headers, "content-type"));
  if (!isText) return PASS;
  const codings = parseContentCodings(valuesOf(headers, "content-encoding"));
  const isPart = status === PARTIAL_CONTENT;
  // A part of something compressed cannot be decoded.
  if (encoding === undefined || codings === undefined || (isPart && codings.length > 0)) {
    return { kind: "refuse" };
  }
  return { kind: "scrub", codings, edges: isPart, encoding };
}

/** Fields that speak of the encoded bytes (RFC 9110 §8.4, §8.6; RFC 9530; RFC 1864). */
const OF_ENCODED_BYTES: ReadonlySet<string> = new Set([
  "content-encoding",
  "content-length",
  "content-md5",
  "content-digest",
  "repr-digest",
  "digest",
  "accept-ranges",
]);

/**
 * The head of an answer whose body is sent decoded. Its entity tag stays as it is: a caller uses it with this upstream
 * only, which knows no other, and takes no weak one in `If-Match` (RFC 9110 §13.1.1).
 */
export function headOfDecoded(headers: readonly string[]): string[] {
  return headers.filter(
    (_, index) => !OF_ENCODED_BYTES.has(headers[index - (index % 2)]?.toLowerCase() ?? ""),
  );
}

function valuesOf(headers: readonly string[], wanted: string): string[] {
  const values: string[] = [];
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] ?? "";
    if (name.length === wanted.length && name.toLowerCase() === wanted) values.push(headers[index + 1] ?? "");
  }
  return values;
}
