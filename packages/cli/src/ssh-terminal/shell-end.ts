import { CliError } from "../failures.js";

const NORMAL = 1000;
/** What OpenSSH's client ends with where the server did not tell how the shell has ended. */
const UNKNOWN_EXIT = 255;
/** Of Unix, where exit codes are a byte. */
const EXIT_CODE_MASK = 0xff;

/**
 * What the end of a shell's WebSocket means for this process.
 * @param code the close code (RFC 6455 §7.4)
 * @returns the exit code of the shell
 * @throws CliError if something else has ended it
 */
export function readShellEnd(code: number, reason: string): number {
  if (code === NORMAL) {
    const exitCode = exitCodeIn(reason);
    return typeof exitCode === "number" ? exitCode & EXIT_CODE_MASK : UNKNOWN_EXIT;
  }
  throw new CliError(
    reason === "" ? "the connection to vault-server was lost" : `the shell was ended: ${reason}`,
    undefined,
    "shell_ended",
  );
}

function exitCodeIn(reason: string): unknown {
  try {
    const parsed: unknown = JSON.parse(reason);
    return typeof parsed === "object" && parsed !== null && "exit_code" in parsed
      ? parsed.exit_code
      : undefined;
  } catch {
    return undefined;
  }
}
