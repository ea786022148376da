import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import type { SecureContext } from "node:tls";
import { postgresType, type PostgresConfig } from "../../../auth-strategies/session-types/postgres.js";
import { secureContext } from "../../../network/tls-trust.js";
import { postgresDriver } from "../driver.js";
import type { ConnectionTools, LocalLogin } from "../../session-driver.js";
import { sessionFailure } from "../../session-failure.js";
import { dial } from "../../../wire/dial.js";
import { ProtocolViolation } from "../../../wire/protocol-violation.js";
import { splice } from "../../../wire/splice.js";
import { startTls, type TlsTrust } from "../../../wire/start-tls.js";
import { WireSocket } from "../../../wire/wire-socket.js";

export interface SessionOptions {
  /** Fields of the service's `auth`, without `type`. */
  readonly auth: Readonly<Record<string, unknown>>;
  readonly ca?: string;
  readonly login?: LocalLogin;
  /** Default: as many as come. */
  readonly maxConnections?: number;
}

/** A session without what surrounds it: a listener, the driver, and the splice. */
export interface LoopbackSession {
  readonly port: number;
  readonly url: string;
  /** What the connections that failed failed with, in their order. */
  readonly failures: readonly Error[];
  close(): Promise<void>;
}

export async function openPostgresSession(options: SessionOptions): Promise<LoopbackSession> {
  const config = postgresType.schema.parse({ type: "postgres", ...options.auth }) as PostgresConfig;
  const session = postgresDriver.open(config, options.login);
  const control = new AbortController();
  let context: SecureContext | undefined;
  const trust = (): TlsTrust => ({
    host: config.postgres_host,
    // Reading all the roots takes a while, and many tests do without TLS.
    secureContext: (context ??= secureContext(options.ca)),
    rejectUnauthorized: true,
  });
  const toolsFor = (signal: AbortSignal): ConnectionTools => ({
    async connectServer(logIn) {
      const address = { host: config.postgres_host, port: config.postgres_port, allowPrivate: true };
      const wire = await dial(address, { signal }).catch((error: unknown) => {
        throw sessionFailure(error);
      });
      try {
        return await logIn(wire);
      } catch (error) {
        wire.destroy();
        throw error instanceof ProtocolViolation && error.peer === "client" ? error : sessionFailure(error);
      }
    },
    secure: (wire) => startTls(wire, trust(), signal),
    accessToken: () => Promise.reject(new Error("not used")),
    onLoggedIn: () => undefined,
  });

  const failures: Error[] = [];
  const sockets = new Set<Socket>();
  let places = options.maxConnections ?? Number.POSITIVE_INFINITY;
  const serve = async (socket: Socket): Promise<void> => {
    const client = new WireSocket(socket, "client");
    // One of its own: each listens for the end.
    const signal = AbortSignal.any([control.signal]);
    const tools = toolsFor(signal);
    if (places === 0) {
      await session.connectBeyond?.(client, tools);
      return;
    }
    places -= 1;
    const ends = await session.connect(client, tools);
    if (ends === undefined) return;
    await splice(ends.client, ends.server, signal);
    ends.onClosed?.();
  };
  const listener = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    serve(socket).catch((error: unknown) => {
      failures.push(error as Error);
      socket.destroy();
    });
  }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  return {
    port,
    url: postgresDriver.urlOf({ host: "127.0.0.1", port }, config, options.login),
    failures,
    async close() {
      control.abort(new Error("closed"));
      listener.close();
      await Promise.all(
        [...sockets].map(async (socket) => {
          if (socket.closed) return;
          socket.destroy();
          await once(socket, "close");
        }),
      );
    },
  };
}
