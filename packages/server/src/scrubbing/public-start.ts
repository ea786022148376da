/** A token under this length is a password to be on the safe side, all of which is private. */
const SHORTEST_LABELLED_TOKEN = 40;
const LONGEST_LABEL = 16;

/** RFC 7515 §3.1: header and payload of a JWS, which say who and what for; the signature is what must not be guessed. */
const JWS_CLAIMS = /^eyJ[\w-]*\.[\w-]*\./;

/** What an issuer begins all its tokens with, such as `sk-ant-api03-`, `github_pat_`, `xoxb-`. */
const LABEL = /^(?:[A-Za-z]{1,8}\d{0,2}[-_.]){1,3}/;

/** RFC 9110 §11.4, in a header value that is one secret. */
const SCHEME = /^[A-Za-z][A-Za-z0-9-]{0,15} (?=\S)/;

/** How many of a token's first characters, all in ASCII, are no secret, because whoever knows its kind knows them. */
export function publicStartLength(token: string): number {
  const scheme = SCHEME.exec(token)?.[0].length ?? 0;
  const credential = token.slice(scheme);
  const claims = JWS_CLAIMS.exec(credential)?.[0].length;
  if (claims !== undefined) return scheme + claims;
  if (credential.length < SHORTEST_LABELLED_TOKEN) return 0;
  const label = LABEL.exec(credential)?.[0].length ?? 0;
  return scheme + (label <= LONGEST_LABEL ? label : 0);
}
