/** What the far ends of a PostgreSQL log-in may cost. After it, bytes are passed on and nothing is parsed. */
export const POSTGRES_LIMITS = {
  /** A client's packets before it is known: the server's own MAX_STARTUP_PACKET_LENGTH. */
  startupPacketBytes: 10_000,
  /** SSLRequest and GSSENCRequest, of which a client sends each once at most. */
  encryptionRequests: 2,
  /** A client's SASL message; those of SCRAM have some hundred bytes. */
  passwordMessageBytes: 4096,
  /** One message of the server in the log-in: what libpq lets an error have (MAX_ERRLEN). */
  serverMessageBytes: 30_000,
  /** All messages of the server in the log-in; about 20 with 500 bytes are usual. */
  serverLoginMessages: 1000,
  serverLoginBytes: 256 * 1024,
  /** Key of a BackendKeyData and a CancelRequest, as protocol 3.2 has it. */
  cancelKeyBytes: 256,
  /**
   * Rounds of PBKDF2, the half of a second's work or so. The default of PostgreSQL and most poolers is 4096; the
   * setting of the server goes up to 2^31 - 1, which would be an hour.
   */
  scramIterations: 600_000,
} as const;
