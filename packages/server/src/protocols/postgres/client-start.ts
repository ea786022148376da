import { ProtocolViolation } from "../../wire/protocol-violation.js";
import type { WireSocket } from "../../wire/wire-socket.js";
import { PostgresFailure, SQLSTATE } from "./failure.js";
import { POSTGRES_LIMITS } from "./limits.js";
import { parseStartupPacket, type CancelRequest, type StartupMessage } from "./startup-packet.js";

/** Neither TLS nor GSSAPI: the connection does not leave the machine. */
const NO_ENCRYPTION = "N";

export type ClientStart =
  ({ readonly kind: "startup" } & StartupMessage) | ({ readonly kind: "cancel" } & CancelRequest);

/**
 * Reads what the client wants, and refuses the encryption that it may ask for before. Bytes behind the StartupMessage
 * are left where they are.
 *
 * @throws ProtocolViolation for what is no client of PostgreSQL; PostgresFailure for what is one that cannot be served
 */
export async function readClientStart(client: WireSocket): Promise<ClientStart> {
  for (let requests = 0; ; requests += 1) {
    const packet = await client.read(parseStartupPacket, POSTGRES_LIMITS.startupPacketBytes);
    switch (packet.kind) {
      case "encryption_request":
        if (requests === POSTGRES_LIMITS.encryptionRequests)
          throw new ProtocolViolation("encryption was asked for too often", "client");
        await client.write(NO_ENCRYPTION);
        break;
      case "tls":
        throw notDone("sessions have no TLS on the loopback: connect with sslmode=disable or sslmode=prefer");
      case "other_version":
        throw notDone("only version 3 of the protocol is spoken here");
      case "startup":
        if (packet.parameters.some(({ name }) => name === "replication"))
          throw notDone("replication is not passed on by sessions");
        return packet;
      case "cancel":
        return packet;
    }
  }
}

function notDone(sentence: string): PostgresFailure {
  return new PostgresFailure("invalid_request", SQLSTATE.featureNotSupported, sentence);
}
