/** All limits of SSH on this side. */
export const SSH_LIMITS = {
  /** Seconds that the vault gives a command by default. */
  commandSeconds: 30,
  /** Beside the command's own time: the vault connects, logs in, and ends what does not end by itself. */
  aroundCommandMs: 45_000,
  /** For the whole of a transfer. */
  transferMs: 600_000,
  /**
   * Of a whole result: 10 MB each of standard output and standard error, of which JSON may make six bytes of one, and
   * has it once more in base64 where it is no text.
   */
  resultBytes: 160 * 1024 * 1024,
  /** Of one line of a stream; the vault sends far shorter ones. */
  lineBytes: 4 * 1024 * 1024,
} as const;
