import type { PostgresConfig } from "../../auth-strategies/session-types/postgres.js";
import { ProtocolViolation } from "../../wire/protocol-violation.js";
import type { SecuredWire } from "../../wire/start-tls.js";
import type { WireSocket } from "../../wire/wire-socket.js";
import { PostgresFailure, SQLSTATE } from "./failure.js";
import { SSL_REQUEST } from "./startup-packet.js";

/** A connection to the server, before the log-in. */
export interface ServerWire {
  readonly wire: WireSocket;
  readonly hasTls: boolean;
  /** In DER; undefined without TLS. */
  readonly certificate: Buffer | undefined;
}

/**
 * Asks the server for TLS as the service wants it (PostgreSQL documentation, "SSL Session Encryption").
 *
 * @param secure lays TLS on the connection; it refuses bytes that came in the clear behind the server's `S`
 * @throws VaultProxyError if the server has no TLS and the service requires it; ProtocolViolation
 */
export async function secureServer(
  plain: WireSocket,
  mode: PostgresConfig["postgres_tls"],
  secure: (wire: WireSocket) => Promise<SecuredWire>,
): Promise<ServerWire> {
  if (mode === "disable") return { wire: plain, hasTls: false, certificate: undefined };
  await plain.write(SSL_REQUEST);
  const answer = (await plain.readExactly(1)).toString("latin1");
  switch (answer) {
    case "S":
      return { ...(await secure(plain)), hasTls: true };
    case "N":
      if (mode === "prefer") return { wire: plain, hasTls: false, certificate: undefined };
      throw new PostgresFailure(
        "upstream_failed",
        SQLSTATE.cannotConnect,
        "the server does not offer TLS, which the service requires",
      );
    case "E":
      // Whoever stands between can say this too: what follows is not to be trusted (CVE-2024-10977).
      throw new PostgresFailure(
        "upstream_failed",
        SQLSTATE.cannotConnect,
        "the server answered the request for TLS with an error",
      );
    default:
      throw new ProtocolViolation("the request for TLS was answered with neither yes nor no", "server");
  }
}
