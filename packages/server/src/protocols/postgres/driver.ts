import type { PostgresConfig } from "../../auth-strategies/session-types/postgres.js";
import { toVaultProxyError } from "../../errors/vault-proxy-error.js";
import { ProtocolViolation } from "../../wire/protocol-violation.js";
import type { WireSocket } from "../../wire/wire-socket.js";
import type {
  ConnectedEnds,
  ConnectionTools,
  LocalLogin,
  ProtocolSession,
  SessionDriver,
} from "../session-driver.js";
import { cancelKeys, type CancelKeys } from "./cancel-keys.js";
import { readClientStart, type ClientStart } from "./client-start.js";
import { errorResponse } from "./error-response.js";
import { PostgresFailure, SQLSTATE, sqlStateOf } from "./failure.js";
import { clientLogin, type CheckClient } from "./client-login.js";
import { logInToServer } from "./server-login.js";
import { secureServer } from "./server-tls.js";
import { cancelRequest, type CancelRequest, type StartupMessage } from "./startup-packet.js";

/** Sessions with a PostgreSQL server (PostgreSQL documentation, "Frontend/Backend Protocol"). */
export const postgresDriver: SessionDriver<PostgresConfig> = {
  protocol: "postgres",
  open: openSession,
  urlOf({ host, port }, { postgres_user, postgres_db = postgres_user }, login) {
    const user = encodeURIComponent(login?.username ?? postgres_user);
    const password = login === undefined ? "" : `:${encodeURIComponent(login.password.reveal())}`;
    const authority = `${user}${password}@${host.includes(":") ? `[${host}]` : host}:${String(port)}`;
    return `postgresql://${authority}/${encodeURIComponent(postgres_db)}?sslmode=disable`;
  },
};

interface Shared {
  readonly config: PostgresConfig;
  readonly checkClient: CheckClient | undefined;
  readonly keys: CancelKeys;
}

function openSession(config: PostgresConfig, login: LocalLogin | undefined): ProtocolSession {
  const shared = {
    config,
    checkClient: login === undefined ? undefined : clientLogin(login),
    keys: cancelKeys(),
  };
  return {
    connect: (client, tools) =>
      withClient(client, (start) =>
        start.kind === "cancel" ? cancel(client, tools, shared, start) : logIn(client, tools, shared, start),
      ),
    async connectBeyond(client, tools) {
      await withClient(client, async (start) => {
        if (start.kind === "cancel") return cancel(client, tools, shared, start);
        throw new PostgresFailure(
          "conflict",
          SQLSTATE.tooManyConnections,
          "the session takes no more connections",
        );
      });
    },
  };
}

/** Serves a client, and tells it of a failure in its protocol. One that does not speak it is told nothing. */
async function withClient(
  client: WireSocket,
  serve: (start: ClientStart) => Promise<ConnectedEnds | undefined>,
): Promise<ConnectedEnds | undefined> {
  let speaksIt = false;
  try {
    const start = await readClientStart(client);
    speaksIt = true;
    return await serve(start);
  } catch (error) {
    const isGarbage = !speaksIt && error instanceof ProtocolViolation;
    await client.end(isGarbage ? "" : refusal(error));
    throw error;
  }
}

function refusal(error: unknown): Buffer {
  if (error instanceof ProtocolViolation)
    return errorResponse({
      sqlState: SQLSTATE.protocolViolation,
      text: `the client's part went wrong: ${error.message}`,
    });
  const failure = toVaultProxyError(error);
  return errorResponse({ sqlState: sqlStateOf(failure), text: failure.message });
}

async function logIn(
  client: WireSocket,
  tools: ConnectionTools,
  { config, checkClient, keys }: Shared,
  startup: StartupMessage,
): Promise<ConnectedEnds> {
  if (checkClient !== undefined) {
    await checkClient(client, startup);
    tools.takePlace();
  }
  const { wire, greeting, cancelKey } = await tools.connectServer(async (plain) => {
    const server = await secureServer(plain, config.postgres_tls, (wire) => tools.secure(wire));
    return {
      wire: server.wire,
      ...(await logInToServer({ ...server, runHeavy: tools.runHeavy }, config, startup)),
    };
  });
  const onClosed = cancelKey === undefined ? undefined : keys.add(cancelKey);
  try {
    await client.write(greeting);
  } catch (error) {
    onClosed?.();
    wire.destroy();
    throw error;
  }
  return { client, server: wire, ...(onClosed === undefined ? {} : { onClosed }) };
}

/**
 * Passes on a CancelRequest for a query of this session. The server answers it by closing, when it has done what it
 * can; the client takes the end of its own connection for that.
 */
async function cancel(
  client: WireSocket,
  tools: ConnectionTools,
  { config, keys }: Shared,
  request: CancelRequest,
): Promise<undefined> {
  if (keys.has(request))
    await tools.connectServer(async (plain) => {
      const { wire } = await secureServer(plain, config.postgres_tls, (secured) => tools.secure(secured));
      await wire.write(cancelRequest(request));
      await untilClosed(wire);
      wire.destroy();
    });
  await client.end();
  return undefined;
}

async function untilClosed(wire: WireSocket): Promise<void> {
  try {
    await wire.readExactly(1);
  } catch (error) {
    if (!(error instanceof ProtocolViolation)) throw error;
  }
}
