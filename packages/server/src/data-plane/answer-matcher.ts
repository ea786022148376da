import { isSearchable, publicStarts, secretForms, type FormSet } from "../scrubbing/secret-forms.js";
import { compilePatterns, type SearchedSecret, type SecretMatcher } from "../scrubbing/secret-matcher.js";

/** Compiles what finds the secrets, in every form in which an answer may hold them. Takes milliseconds. */
export function compileAnswerMatcher(searched: readonly SearchedSecret[]): SecretMatcher {
  const patterns: Buffer[] = [];
  const starts: Buffer[] = [];
  for (const { secret, forms } of searched) {
    const text = secret.reveal();
    if (!isSearchable(text)) continue;
    if (forms !== "base64") starts.push(...publicStarts(text));
    if (forms === "base64") patterns.push(...secretForms(text, forms));
    for (const written of writings(text, forms)) {
      patterns.push(...secretForms(written, written === text ? "all" : "common"));
    }
  }
  const matcher = compilePatterns(patterns, starts);
  for (const pattern of [...patterns, ...starts]) pattern.fill(0);
  return matcher;
}

/** What {@link encodeURIComponent} escapes though it may stand in a path segment (RFC 3986 §3.3 `pchar`). */
const ESCAPED_PCHARS = /%(?:24|26|2B|2C|3A|3B|3D|40)/g;

/**
 * Texts that whoever echoes them writes once more, in any form: the credential as it stands in a request's header,
 * query or path, and in a JSON document that is quoted in another.
 */
function writings(text: string, forms: FormSet = "all"): ReadonlySet<string> {
  // Padding would not stand in the Base64 of a longer text.
  if (forms === "base64") return new Set([Buffer.from(text).toString("base64").replace(/=+$/, "")]);
  const written = new Set([text, JSON.stringify(text).slice(1, -1)]);
  if (text.isWellFormed()) {
    const inQuery = encodeURIComponent(text);
    written.add(inQuery).add(inQuery.replace(ESCAPED_PCHARS, (escape) => decodeURIComponent(escape)));
  }
  return written;
}
