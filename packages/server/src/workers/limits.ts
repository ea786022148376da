/** All limits of the owner and its workers. Times in milliseconds. */
export const WORKER_LIMITS = {
  /** For how long a worker may say nothing while it has callers, or an admin waits for it. */
  silence: 1_000,
  /** The same while it has neither: a busy machine may stop a process for a while. */
  idleSilence: 10_000,
  /** How often a worker that nobody waits for is asked for a sign of life, which is one of the owner too. */
  heartbeat: 250,
  /** A worker that has heard nothing of its owner for so long begins no call. */
  ownerSilence: 1_000,
  /** How often silence is looked for. */
  look: 100,
  /** A look that comes so long after the one before says that the owner itself was stopped. */
  lateLook: 500,
  /** From the fork of a worker until it is ready. */
  start: 20_000,
  /** Before the first worker that died soon after its start is replaced; doubled each time up to the longest. */
  firstRestart: 100,
  longestRestart: 1_000,
  /** A worker that lived so long was no victim of whatever ends them at their start. */
  steadyAfter: 30_000,
  /** Records in one message: between two of them a worker shows that it is alive. */
  recordsPerMessage: 200,
  /** Former credentials of a service that a worker may still be at when it asks for an access token. */
  formerCredentials: 2,
  /** How long a worker gathers what nobody waits for: a message costs more than what is in it. */
  gather: 20,
  /** Entries of the audit log that a worker may have sent without hearing that there is room for more. */
  unconfirmedEntries: 512,
  /** So many are confirmed at once: fewer are not worth a message. */
  confirmedAtOnce: 128,
  /** How long a call waits for such room. */
  auditWait: 5_000,
  /** How long a call waits for an owner that is silent. */
  ownerWait: 2_000,
  /** How often the owner looks again for room that there was none of. */
  auditRetry: 250,
  /** Of the path of a unix socket: `sun_path` with its last NUL (unix(7)), and what systems with less have. */
  socketPathBytes: 103,
  /** Relayed connections that wait for the owner at most; the system may have a lower limit (listen(2)). */
  relayBacklog: 4_096,
  /** How long a relayed connection may take to say whose it is. */
  preamble: 2_000,
  /** Bytes of the description of the peer in a preamble. */
  preambleBytes: 1_024,
  /** How long running calls may go on when the server stops. */
  drain: 5_000,
  /** How often connections that became idle are closed meanwhile. */
  sweep: 50,
  /** How much longer than that a worker may take to say its last and go. */
  farewell: 2_000,
  /** How long what a worker said before its end may take to be read. */
  lastWords: 500,
  /** How often a worker ends what the policies allowed for a time only. */
  refreshGrants: 500,
} as const;
