import { ENTRY_LIMITS } from "./audit-limits.js";

const TOKEN_PATTERN = /tok_[A-Za-z0-9_-]{43}/g;
const TOKEN_START = "tok_";
const MASKED = "***";
const ESCAPE_PATTERN = /%[0-9a-f]{2}/gi;
/** `?` or `#`, escaped however often. */
const QUERY_MARK = /[?#]|%(?:25)*(?:3f|23)/i;
const PARAMETER_VALUE = /(?<=;[^/;=]{0,256}=)[^/;]+/g;
/** Of a path that was escaped several times over. */
const MAX_DECODINGS = 4;

/** Overwrites what must not be read in a text: the secrets of services, in every form that is searched for. */
export type MaskText = (text: string) => string;

/** A text as it may stand in an entry: nothing secret in it, bounded, well-formed. */
export function entryText(text: string, maxCharacters: number, mask: MaskText): string {
  // Masked whole: a secret that the bound cuts through would be known by its start no more.
  return bounded(mask(withoutTokens(text)), maxCharacters);
}

/**
 * The target of a request as it may stand in an entry: names of query parameters, but not their values, and no path segment
 * that is a vault token, however it is escaped.
 */
export function entryTarget(target: string, mask: MaskText): string {
  const start = target.indexOf("?");
  const path = start < 0 ? target : target.slice(0, start);
  const query = start < 0 ? "" : `?${maskedQuery(target.slice(start + 1))}`;
  return entryText(withoutEscapedTokens(path) + query, ENTRY_LIMITS.path, mask);
}

/**
 * The target of a refused request: in what was refused, somebody may have meant more for a query than a server takes for
 * one, such as what is behind a `#` or an escaped `?`, or the value of a `;parameter`.
 */
export function refusedTarget(target: string, mask: MaskText): string {
  const [mark = ""] = QUERY_MARK.exec(target) ?? [];
  if (mark === "") return entryTarget(target.replace(PARAMETER_VALUE, MASKED), mask);
  const start = target.indexOf(mark);
  const path = target.slice(0, start).replace(PARAMETER_VALUE, MASKED);
  const query = maskedQuery(target.slice(start + mark.length));
  return entryText(withoutEscapedTokens(path) + mark + query, ENTRY_LIMITS.path, mask);
}

function maskedQuery(query: string): string {
  if (query === "") return "";
  return query
    .split("&")
    .map((parameter) => {
      const equals = parameter.indexOf("=");
      // Without a `=` nobody knows whether it is a name or a value.
      return equals < 0 ? MASKED : `${withoutEscapedTokens(parameter.slice(0, equals))}=${MASKED}`;
    })
    .join("&");
}

export function holdsToken(text: string): boolean {
  return text.includes(TOKEN_START) && text.search(TOKEN_PATTERN) >= 0;
}

function withoutTokens(text: string): string {
  return holdsToken(text) ? text.replace(TOKEN_PATTERN, MASKED) : text;
}

function withoutEscapedTokens(path: string): string {
  if (!path.includes("%")) return path;
  return path
    .split("/")
    .map((segment) => (isEscapedToken(segment) ? MASKED : segment))
    .join("/");
}

function isEscapedToken(segment: string): boolean {
  let decoded = segment;
  for (let turn = 0; turn < MAX_DECODINGS && decoded.includes("%"); turn += 1) {
    decoded = decoded.replace(ESCAPE_PATTERN, (escape) =>
      String.fromCharCode(Number.parseInt(escape.slice(1), 16)),
    );
    if (decoded.search(TOKEN_PATTERN) >= 0) return true;
  }
  return false;
}

function bounded(text: string, maxCharacters: number): string {
  if (text.length <= maxCharacters) return text.toWellFormed();
  const cut = text.length - maxCharacters;
  return `${text.slice(0, maxCharacters).toWellFormed()}…[+${cut}]`;
}
