import { decodeRepeatedly } from "./repeated-decoding.js";

/**
 * A name as the most lenient upstream reads it, for comparing: lower case, `-` for `_`, without white space around it,
 * and without the subscript that makes it an array (`key[]`, `key[0]`). PHP besides ends a name at a NUL, and reads
 * `.` and a space as `_`; a second `?` in front of the first name is some parsers' slip. `name` is decoded already.
 */
export function canonicalQueryName(name: string): string {
  const [text = ""] = name.replace(/^[\s?]+/, "").split("\0", 1);
  const subscript = text.indexOf("[");
  const bare = (subscript > 0 ? text.slice(0, subscript) : text).trimEnd();
  return bare.toLowerCase().replaceAll(/[_. ]/g, "-");
}

/**
 * Drops every parameter whose canonical name is in `names`, however often it is encoded, with one separator; every
 * other byte stays as it was. A `;` counts as a separator beside `&`, since some upstreams take it for one.
 *
 * @param query without its "?"
 * @param names as {@link canonicalQueryName} gives them
 * @returns `undefined` if there was no query, or nothing of it is left
 */
export function removeQueryParameters(
  query: string | undefined,
  names: ReadonlySet<string>,
): string | undefined {
  if (query === undefined || query === "" || names.size === 0) return query;
  const parameters = splitBeforeSeparators(query);
  const kept = parameters.filter((parameter) => !isNamed(parameter, names));
  if (kept.length === parameters.length) return query;
  if (kept.length === 0) return undefined;
  const rest = kept.join("");
  return !startsWithSeparator(query) && startsWithSeparator(rest) ? rest.slice(1) : rest;
}

/**
 * The decoded values of all parameters whose canonical name is in `names`, in order.
 *
 * @param query without its "?"
 * @param names as {@link canonicalQueryName} gives them
 */
export function queryParameterValues(query: string | undefined, names: ReadonlySet<string>): string[] {
  if (query === undefined || query === "" || names.size === 0) return [];
  return splitBeforeSeparators(query)
    .filter((parameter) => isNamed(parameter, names))
    .map((parameter) => {
      const equals = parameter.indexOf("=");
      return equals === -1 ? "" : decode(parameter.slice(equals + 1));
    });
}

/** Each parameter with the separator in front of it, so that what is left joins to what was written. */
function splitBeforeSeparators(query: string): string[] {
  return query.split(/(?=[&;])/);
}

function startsWithSeparator(text: string): boolean {
  return text.startsWith("&") || text.startsWith(";");
}

/** A server in front of the upstream may decode once more, or in another way. */
function isNamed(parameter: string, names: ReadonlySet<string>): boolean {
  const start = startsWithSeparator(parameter) ? 1 : 0;
  const equals = parameter.indexOf("=");
  const name = parameter.slice(start, equals === -1 ? parameter.length : equals);
  if (names.has(canonicalQueryName(decode(name)))) return true;
  if (!name.includes("%")) return false;
  const decoded = Buffer.from(decodeRepeatedly(name)).toString("utf8").replaceAll("+", " ");
  return names.has(canonicalQueryName(decoded));
}

/** `application/x-www-form-urlencoded` decoding (URL Standard §5.1); where that is no UTF-8, each octet by itself. */
function decode(text: string): string {
  if (!text.includes("%") && !text.includes("+")) return text;
  const spaced = text.replaceAll("+", " ");
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced.replace(/%([0-9a-fA-F]{2})/g, (_escape, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
  }
}
