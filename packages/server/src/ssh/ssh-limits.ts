/** All limits of SSH. */
export const SSH_LIMITS = {
  /** From the first look-up to the end of the log-in: one deadline for all of it. */
  connectMs: 20_000,
  /** From the request for a channel to the answer that it may be used. */
  openChannelMs: 15_000,
  /** How long a call waits while as many channels are open as the server takes. */
  waitForChannelMs: 10_000,
  /** Calls of one token at one service at a time, so that others have room there. */
  callsPerTokenAndService: 64,
  /** A connection that nobody uses. */
  idleMs: 60_000,
  /** Of one service at a time. A server takes ten sessions a connection by default (sshd_config(5), MaxSessions). */
  connectionsPerService: 16,
  /** Probes on a connection on which nothing comes: a server that vanished is noticed within a minute. */
  keepAliveMs: 15_000,
  keepAliveCount: 3,
  /** What may wait on one channel for whoever reads it: some 8 MB where a server keeps to the windows (RFC 4254 §5.2). */
  unreadBytes: 12 * 1024 * 1024,
  /** How long a command may take: what is asked for by default, and at most. */
  defaultCommandMs: 30_000,
  maxCommandMs: 300_000,
  /** Between the signal that asks a command to end and the one that makes it: after a time-out, and when it is ended from outside. */
  killAfterMs: 2_000,
  killEndedAfterMs: 250,
  /** How long the connections live on after a lock, for the signals that end what runs there. */
  destroyAfterMs: 500,
  /** Of each of a command's two streams. */
  outputBytes: 10 * 1024 * 1024,
  /** Output of all commands that is in memory until it is answered as a whole. */
  collectedBytes: 128 * 1024 * 1024,
  /** A command line, in bytes. */
  commandBytes: 128 * 1024,
  /** A file that is moved, either way. */
  fileBytes: 50 * 1024 * 1024,
  /** Of one read or write: what every server of SFTP takes (draft-ietf-secsh-filexfer-02 §3). */
  pieceBytes: 32 * 1024,
  /** Reads or writes that wait for their answers at a time. */
  piecesInFlight: 32,
  /** How long a server may say nothing while it is asked something. */
  sftpAnswerMs: 30_000,
  /** For what is left to do when a transfer has failed. */
  cleanUpMs: 3_000,
  /** How long a caller may take nothing of a download. */
  callerIdleMs: 60_000,
  /** Names in a path; each is looked at. */
  pathNames: 100,
  /** Steps in finding out where a path leads: one for each link (Linux follows 40). */
  pathSteps: 40,
  /** Uploads of the process whose file came before its path, and waits in memory for it. */
  filesInMemory: 4,
  filesInMemoryPerToken: 1,
  /** How long a shell stays open at most. */
  shellMs: 4 * 60 * 60 * 1000,
  /** How often a shell's client is asked whether it is there, and how long it may take to answer (RFC 6455 §5.5.2). */
  pingMs: 30_000,
  /** How often a shell's client that is not listened to is sent something, which tells whether it has left. */
  probeMs: 1000,
  /** One WebSocket message of a shell's client. */
  shellMessageBytes: 1024 * 1024,
  /** What a shell has put out and its client has not taken: beyond that no more is read from the server. */
  shellUnsentBytes: 64 * 1024,
  /** A terminal that changes its size more often than this is told to the server with its last one. */
  resizeMs: 50,
  /** How long a shell's client may take to answer the end of its WebSocket. */
  closingMs: 10_000,
  /** What a client may send before its handshake is answered, though it must send nothing (RFC 6455 §4.1). */
  earlyBytes: 64 * 1024,
} as const;
