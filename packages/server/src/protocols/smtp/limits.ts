/** What either end may send before the mail begins. From then on bytes are passed on, and are not looked at. */
export const LIMITS = {
  /**
   * A command or an answer to a challenge, with its CRLF: what RFC 4954 §4 finds enough for log-ins, which are longer
   * than all other lines.
   */
  lineBytes: 12_288 + 2,
  /** A reply of the server, all its lines: an EHLO's are some hundred bytes, a challenge is a line of its own. */
  replyBytes: 16 * 1024,
  replyLines: 100,
  /** An AUTH command with an initial response, with its CRLF (RFC 4954 §4, RFC 5321 §4.5.3.1.4). */
  authCommandBytes: 512,
  /** Of a client, before its mail. Libraries need half a dozen; one that keeps its connection sends NOOPs. */
  commands: 1000,
  /** Wrong passwords of one connection. */
  failedLogins: 3,
} as const;
