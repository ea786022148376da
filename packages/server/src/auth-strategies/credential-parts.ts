import { Secret } from "../redaction/secret.js";

/** Characters. What is shorter could be found in innocent text, and be guessed. */
const SHORTEST_PART = 8;

/** RFC 9110 §11.4: `auth-scheme 1*SP`, before something. */
const SCHEME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+[ \t]+(?=[^\s=])/;

/** RFC 9110 §11.2 `auth-param`, RFC 6265 §4.2.1 `cookie-pair`: a name, before a value that is more than padding. */
const PARAMETER_NAME = /(?<=^|[\s;,])[!#$%&'*+.^_`|~0-9A-Za-z-]+[ \t]*=[ \t]*(?=[^\s=])/g;

/**
 * The credentials in a header field value that has a scheme or parameters, such as the token of `token ghp_…` or the
 * session of `session=…; theme=dark`: an upstream that speaks of them leaves the rest out. The scheme, names, the
 * value as a whole, and parts under 8 characters are not among them.
 */
export function credentialParts(value: Secret): readonly Secret[] {
  const text = value.reveal();
  const parts = new Set(
    text
      .replace(SCHEME, "")
      .replace(PARAMETER_NAME, " ")
      .split(/[\s;,="]+/)
      .filter((part) => Array.from(part).length >= SHORTEST_PART),
  );
  parts.delete(text);
  return Array.from(parts, (part) => new Secret(part));
}
