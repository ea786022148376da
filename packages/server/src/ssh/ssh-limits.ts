/** All limits of SSH. */
export const SSH_LIMITS = {
  /** From the first look-up to the end of the log-in: one deadline for all of it. */
  connectMs: 20_000,
  /** From the request for a channel to the answer that it may be used. */
  openChannelMs: 15_000,
  /** A connection that nobody uses. */
  idleMs: 60_000,
  /** Of one service at a time. A server takes ten sessions a connection by default (sshd_config(5), MaxSessions). */
  connectionsPerService: 16,
  /** Probes on a connection on which nothing comes: a server that vanished is noticed within a minute. */
  keepAliveMs: 15_000,
  keepAliveCount: 3,
  /** What a server may send ahead on one channel beside what the window allows (RFC 4254 §5.2). */
  unreadBytes: 4 * 1024 * 1024,
  /** How long a command may take: what is asked for by default, and at most. */
  defaultCommandMs: 30_000,
  maxCommandMs: 300_000,
  /** Between the signal that asks a command to end and the one that makes it. */
  killAfterMs: 2_000,
  /** Of each of a command's two streams. */
  outputBytes: 10 * 1024 * 1024,
  /** A command line, in bytes. */
  commandBytes: 128 * 1024,
} as const;
