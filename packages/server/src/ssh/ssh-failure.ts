import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { describeUpstreamError } from "../network/upstream-errors.js";

/** What the library adds to its errors. */
interface LibraryError extends Error {
  readonly level?: string;
  /** Why a channel was not opened (RFC 4254 §5.1). */
  readonly reason?: unknown;
}

const NO_COMMON_ALGORITHM = /^Handshake failed: no matching (.+)$/;
const KINDS: ReadonlyMap<string, string> = new Map([
  ["key exchange algorithm", "key exchange"],
  ["host key format", "host key"],
  ["C->S cipher", "cipher"],
  ["S->C cipher", "cipher"],
  ["C->S MAC", "MAC"],
  ["S->C MAC", "MAC"],
]);

const NO_SFTP = "the server has no SFTP for this user, which files are moved by";

/** By the beginning of the library's message. */
const REFUSED_REQUESTS: readonly (readonly [string, string])[] = [
  ["Unable to exec", "the server runs no commands for this user"],
  ["Unable to open shell", "the server opens no shell for this user"],
  ["Unable to request a pseudo-terminal", "the server gives this user no terminal"],
  ["Unable to start subsystem", NO_SFTP],
  // Where a command is forced, it runs instead.
  ["Received exit code", NO_SFTP],
  ["Received signal", NO_SFTP],
  ["Received unexpected SFTP session termination", NO_SFTP],
];

/** The server says that the credential is wrong. */
export function loginRefused(): VaultProxyError {
  return new VaultProxyError("upstream_login_failed", "the server refused the stored credential");
}

/** What a caller is told of anything that went wrong with a server. Nothing of the library's text, nor of the server's. */
export function sshFailure(thrown: unknown): VaultProxyError {
  if (thrown instanceof VaultProxyError || !(thrown instanceof Error)) return describeUpstreamError(thrown);
  const { level, message } = thrown as LibraryError;
  const failed = (sentence: string): VaultProxyError =>
    new VaultProxyError("upstream_failed", sentence, { cause: thrown });
  const kind = KINDS.get(NO_COMMON_ALGORITHM.exec(message)?.[1] ?? "");
  if (kind !== undefined)
    return failed(`the server offers no ${kind} algorithm that is allowed for this service`);
  const refused = REFUSED_REQUESTS.find(([beginning]) => message.startsWith(beginning))?.[1];
  if (refused !== undefined) return failed(refused);
  if (isChannelRefusal(thrown)) return failed("the server refused to open a channel");
  switch (level) {
    case "client-authentication":
      return loginRefused();
    case "client-timeout":
      return new VaultProxyError("upstream_timeout", "the server does not answer any more", {
        cause: thrown,
      });
    case "handshake":
      return failed("no SSH connection to the server could be made");
    case "sftp-protocol":
      return failed("the server does not keep to SFTP, which files are moved by");
    case "client-socket":
      return describeUpstreamError(thrown);
    default:
      return "code" in thrown
        ? describeUpstreamError(thrown)
        : failed("the server does not keep to the SSH protocol");
  }
}

/** Whether a server refused to open one more channel, and the connection is well otherwise. */
export function isChannelRefusal(thrown: unknown): boolean {
  return thrown instanceof Error && (thrown as LibraryError).reason !== undefined;
}
