import type { PostgresConfig } from "../../auth-strategies/session-types/postgres.js";
import { ProtocolViolation } from "../../wire/protocol-violation.js";
import { authenticate, type LogInServer } from "./authenticate.js";
import { AUTHENTICATION_OK } from "./authentication-request.js";
import { BodyReader } from "./body-reader.js";
import { otherDatabaseNotice } from "./database-notice.js";
import { POSTGRES_LIMITS } from "./limits.js";
import { loginReader } from "./login-reader.js";
import {
  startupMessage,
  type CancelRequest,
  type StartupMessage,
  type StartupParameter,
} from "./startup-packet.js";

export interface LoggedIn {
  /** What the client is to hear of it: from AuthenticationOk, or what came before that, to ReadyForQuery. */
  readonly greeting: Buffer;
  /** By which queries of the connection can be cancelled. Some poolers give none. */
  readonly cancelKey: CancelRequest | undefined;
}

/**
 * Logs in with the service's credential, and with what the client wants besides.
 *
 * @throws VaultProxyError why the server refuses, in words of ours; ProtocolViolation
 */
export async function logInToServer(
  server: LogInServer,
  config: PostgresConfig,
  wanted: StartupMessage,
): Promise<LoggedIn> {
  const { minorVersion } = wanted;
  const parameters = [...identity(config), ...wanted.parameters.filter(({ name }) => !IDENTITY.has(name))];
  await server.wire.write(startupMessage({ minorVersion, parameters }));
  const next = loginReader(server.wire);
  const greeting: Buffer[] = [];
  const notice = otherDatabaseNotice(config, wanted);
  const own = notice === undefined ? [] : [notice];
  const negotiated = await authenticate(server, next, config);
  if (negotiated !== undefined) greeting.push(negotiated);
  greeting.push(AUTHENTICATION_OK);

  let cancelKey: CancelRequest | undefined;
  for (;;) {
    const message = await next();
    switch (message.type) {
      case "S":
      // The server let the service in: what it has to say from now on is the session's, and not about the log-in.
      case "N":
        break;
      case "K":
        cancelKey = readBackendKeyData(message.body);
        break;
      case "Z":
        return { greeting: Buffer.concat([...greeting, ...own, message.bytes]), cancelKey };
      default:
        throw new ProtocolViolation("an unexpected message came after the log-in", "server");
    }
    greeting.push(message.bytes);
  }
}

const IDENTITY: ReadonlySet<string> = new Set(["user", "database"]);

function identity({ postgres_user, postgres_db }: PostgresConfig): StartupParameter[] {
  const user = { name: "user", value: Buffer.from(postgres_user) };
  return postgres_db === undefined ? [user] : [user, { name: "database", value: Buffer.from(postgres_db) }];
}

/** @throws ProtocolViolation */
function readBackendKeyData(body: Buffer): CancelRequest {
  const reader = new BodyReader(body);
  const processId = reader.uint32();
  const key = reader.rest();
  if (key.length === 0 || key.length > POSTGRES_LIMITS.cancelKeyBytes)
    throw new ProtocolViolation("a key for cancelling has an impossible length", "server");
  return { processId, key };
}
