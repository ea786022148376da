/** Every limit of session cookies: whatever an upstream sets, so much of it is kept and sent. */
export const COOKIE_LIMITS = {
  /** Cookies of one service (RFC 6265 §6.1 wants 50 a domain at least). */
  perJar: 50,
  /** Characters of a cookie's name and value together, as the RFC has it. */
  cookieLength: 4096,
  /** Characters of a whole `Set-Cookie` field, attributes included. */
  fieldLength: 8192,
  /** Characters of a `Path` attribute; a longer one is none (RFC 6265bis §5.6). */
  pathLength: 1024,
  /** Characters of all names, values and paths. The search for them in answers is prepared anew with each change. */
  jarLength: 8192,
  /** Characters of the `Cookie` field that is sent. Servers take 8 KiB of header in one line. */
  headerLength: 8192,
} as const;
