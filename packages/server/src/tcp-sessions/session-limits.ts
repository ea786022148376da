/** All limits of TCP sessions. */
export const SESSION_LIMITS = {
  /** How long a session waits for its one client: what is asked for by default, and at most. */
  defaultTimeoutMs: 30_000,
  maxTimeoutMs: 300_000,
  /** How long a session that takes several clients at a time may live. */
  maxLifeMs: 24 * 3_600_000,
  /** The server's part of a log-in, after the connection was made. */
  serverLogInMs: 20_000,
  /** Both log-ins together, with what the client takes for its part. */
  connectMs: 60_000,
  /** Clients of one session whose user is being looked up: one look-up serves all who wait for it. */
  checkedClients: 1024,
  /** Clients of one session that have not shown its password yet, and such as are served beyond its places. */
  waitingClients: 64,
  /** Open sessions. */
  perToken: 1024,
  inAll: 4096,
  /** Probes on a connection on which nothing is sent: a far end that vanished is noticed within minutes. */
  keepAliveMs: 60_000,
} as const;
