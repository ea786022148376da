/** What an IMAP log-in may cost, at either end. After it, bytes pass without being looked at. */
export const IMAP_LIMITS = {
  /** A response of the server with its literals: as far as a capability list of a large server, many times over. */
  responseBytes: 64 * 1024,
  /** Responses that a server may send in all until it has logged in, asked for or not. */
  responses: 200,
  /** Names in one list of capabilities, and the length of a name. The largest servers list some sixty. */
  capabilities: 200,
  capabilityBytes: 128,
  /** A quoted string as long as this is sent as a literal: servers bound their command lines (RFC 7162 §4: 8192). */
  quotedBytes: 1000,
  /** A non-synchronizing literal where the server offers LITERAL- alone (RFC 7888 §5). */
  shortLiteralBytes: 4096,

  /** A line of a command of the client (RFC 7162 §4), long enough for an initial response with an access token. */
  lineBytes: 16 * 1024,
  /** A literal in a command before the log-in: a user name, a password, or a value of ID. */
  literalBytes: 8 * 1024,
  /** Literals in one command; ID has at most 30 pairs (RFC 2971 §3.3), none of which need one. */
  literals: 16,
  tagBytes: 128,
  /** Commands of a client that does not log in. */
  commands: 50,
  /** Log-ins with a wrong user name or password, where one is required. */
  refusedLogins: 3,
  /** What a server may say to a client that is not logged in yet; it waits here until the client is. */
  waitingBytes: 64 * 1024,
} as const;
