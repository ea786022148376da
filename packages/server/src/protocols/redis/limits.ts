/** All limits of Redis sessions: of what is read before bytes are only passed on. */
export const REDIS_LIMITS = {
  /** Arguments of a command that is looked into, its name included: `HELLO 3 AUTH u p SETNAME n` has seven. */
  commandArguments: 16,
  /** Bytes of one of them; Redis takes as many before a log-in (`unauthenticated bulk length`). */
  argumentBytes: 16 * 1024,
  /** Bytes of a command that is looked into, as array or as a line (PROTO_INLINE_MAX_SIZE). */
  commandBytes: 64 * 1024,
  /** Commands that a client may send without the right log-in, where one is required. */
  commandsBeforeLogin: 32,
  /** Commands in a row, each of them setting the connection up, that are looked into; an empty line is one too. */
  setUpCommands: 64,
  /** Digits of a length or a count. */
  numberDigits: 10,
  /** How deep replies to commands that set up may nest; `COMMAND DOCS` needs 9. */
  replyDepth: 32,
  /** Bytes of the server's answers to AUTH and SELECT, which are lines. */
  loginReplyBytes: 16 * 1024,
  /** How long a client that gets no server may send commands, which are answered with the reason; and how many. */
  refusalMs: 1000,
  refusedCommands: 32,
} as const;
