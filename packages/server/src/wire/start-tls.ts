import { isIP } from "node:net";
import { checkServerIdentity, connect, type SecureContext } from "node:tls";
import { serverName } from "../network/tls-trust.js";
import { ProtocolViolation } from "./protocol-violation.js";
import { WireSocket } from "./wire-socket.js";

export interface TlsTrust {
  /** The server's name or address as the service has it. */
  readonly host: string;
  readonly secureContext: SecureContext;
  /** Whether the certificate is verified: all but `tls_skip_verify`. */
  readonly rejectUnauthorized: boolean;
}

/** A connection with TLS on it. */
export interface SecuredWire {
  readonly wire: WireSocket;
  /** The server's certificate in DER; undefined if it showed none. */
  readonly certificate: Buffer | undefined;
}

/**
 * Does the TLS handshake as client on a connection, right after it was made or after the server agreed to it.
 * Bytes that came before it in the clear are fatal: they could be an attacker's, to be taken for the server's words
 * under TLS (CVE-2011-0411, CVE-2021-23222).
 *
 * @throws ProtocolViolation for bytes before the handshake; what Node gives for a failed one, for `describeUpstreamError`
 */
export async function startTls(
  plain: WireSocket,
  trust: TlsTrust,
  signal: AbortSignal,
): Promise<SecuredWire> {
  signal.throwIfAborted();
  if (plain.hasMore)
    throw new ProtocolViolation("bytes came in the clear before the TLS handshake", "server");
  const { socket, rest } = plain.detach();
  if (rest.length > 0)
    throw new ProtocolViolation("bytes came in the clear before the TLS handshake", "server");
  const host = trust.host.replace(/^\[(.*)\]$/, "$1");
  const servername = serverName(host);
  const secured = connect({
    socket,
    servername,
    secureContext: trust.secureContext,
    rejectUnauthorized: trust.rejectUnauthorized,
    // Without a server name Node would check against "localhost", or the name of the socket underneath.
    checkServerIdentity: (_name, certificate) =>
      checkServerIdentity(isIP(host) === 0 ? servername : host, certificate),
  });
  try {
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => reject(signal.reason as Error);
      signal.addEventListener("abort", onAbort, { once: true });
      secured
        .once("secureConnect", resolve)
        .once("error", reject)
        .once("close", () => {
          reject(new ProtocolViolation("the connection ended in the TLS handshake", "server"));
        });
      secured.once("close", () => signal.removeEventListener("abort", onAbort));
    });
  } catch (error) {
    secured.on("error", () => undefined).destroy();
    socket.on("error", () => undefined).destroy();
    throw error;
  }
  const certificate = secured.getPeerX509Certificate()?.raw;
  return { wire: new WireSocket(secured, "server"), certificate };
}
