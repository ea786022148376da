import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { createSecureContext } from "node:tls";
import { smtpPort, type SmtpConfig } from "../../packages/server/src/auth-strategies/session-types/smtp.js";
import { smtpDriver } from "../../packages/server/src/protocols/smtp/driver.js";
import type { ConnectionTools, LocalLogin } from "../../packages/server/src/protocols/session-driver.js";
import { sessionFailure } from "../../packages/server/src/protocols/session-failure.js";
import { dial } from "../../packages/server/src/wire/dial.js";
import { ProtocolViolation } from "../../packages/server/src/wire/protocol-violation.js";
import { splice } from "../../packages/server/src/wire/splice.js";
import { startTls } from "../../packages/server/src/wire/start-tls.js";
import { WireSocket } from "../../packages/server/src/wire/wire-socket.js";

export interface SmtpSession {
  readonly port: number;
  readonly url: string;
  /** How each connection ended, in order: `closed` and the like, `quit`, or the message of an error. */
  readonly outcomes: string[];
  close(): Promise<void>;
}

export interface SmtpSessionOptions {
  readonly config: SmtpConfig;
  readonly login?: LocalLogin;
  /** Trusted for the server's TLS. */
  readonly ca?: string;
  /** What `oauth_service` gives. */
  readonly accessToken?: () => Promise<string>;
}

/** A loopback port that speaks for the driver, as the sessions of the server do. */
export async function openSmtpSession(options: SmtpSessionOptions): Promise<SmtpSession> {
  const { config, login, ca } = options;
  const ending = new AbortController();
  const { signal } = ending;
  const host = config.smtp_host;
  const tools: ConnectionTools = {
    async connectServer(logIn) {
      let wire: WireSocket | undefined;
      try {
        wire = await dial({ host, port: smtpPort(config), allowPrivate: true }, { signal });
        return await logIn(wire);
      } catch (error) {
        wire?.destroy();
        throw error instanceof ProtocolViolation && error.peer === "client" ? error : sessionFailure(error);
      }
    },
    secure: (wire) =>
      startTls(
        wire,
        {
          host,
          secureContext: createSecureContext(ca === undefined ? {} : { ca }),
          rejectUnauthorized: true,
        },
        signal,
      ),
    accessToken: options.accessToken ?? (() => Promise.reject(new Error("no token"))),
  };
  const session = smtpDriver.open(config, login);
  const sockets = new Set<Socket>();
  const outcomes: string[] = [];
  const serve = async (socket: Socket): Promise<void> => {
    const client = new WireSocket(socket, "client");
    try {
      const ends = await session.connect(client, tools);
      outcomes.push(ends === undefined ? "quit" : await splice(ends.client, ends.server, signal));
    } catch (error) {
      client.destroy();
      outcomes.push(error instanceof Error ? error.message : "thrown");
    }
  };
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket.once("close", () => sockets.delete(socket)));
    void serve(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: smtpDriver.urlOf({ host: "127.0.0.1", port }, config, login),
    outcomes,
    async close() {
      ending.abort(new Error("the session was closed"));
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
