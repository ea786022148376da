import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { ProtocolViolation } from "../../../wire/protocol-violation.js";
import { WireSocket } from "../../../wire/wire-socket.js";
import { messageParser, type Message } from "../message.js";
import { parseStartupPacket, type StartupPacket } from "../startup-packet.js";

const MANY_BYTES = 1_000_000;
const parse = messageParser(MANY_BYTES);

/** One connection, as the server that a test plays sees it. */
export interface ScriptedConnection {
  startup(): Promise<StartupPacket>;
  message(): Promise<Message>;
  send(...bytes: readonly Buffer[]): Promise<void>;
  /** Says `S`, and does the TLS handshake. */
  secure(certificate: { readonly cert: string; readonly key: string }): Promise<void>;
  /** Resolves when the far end has closed. */
  closed(): Promise<void>;
  end(): Promise<void>;
}

export interface ScriptedServer {
  readonly port: number;
  /** How many connections came. */
  readonly count: () => number;
  /** @throws what a script threw, other than for a connection that ended */
  stop(): Promise<void>;
}

/** A server that does what a test says. When the script is over, the connection stays until it is stopped. */
export async function startScriptedServer(
  script: (connection: ScriptedConnection) => Promise<void>,
): Promise<ScriptedServer> {
  const sockets = new Set<Socket>();
  const failures: unknown[] = [];
  let count = 0;
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    count += 1;
    sockets.add(socket);
    socket.on("error", () => undefined);
    script(connectionOf(socket)).catch((error: unknown) => {
      if (!(error instanceof ProtocolViolation)) failures.push(error);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    count: () => count,
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
      if (failures.length > 0) throw failures[0];
    },
  };
}

function connectionOf(socket: Socket): ScriptedConnection {
  let wire = new WireSocket(socket, "client");
  return {
    startup: () => wire.read(parseStartupPacket, MANY_BYTES),
    message: () => wire.read(parse, MANY_BYTES),
    send: (...bytes) => wire.write(Buffer.concat(bytes)),
    async secure(certificate) {
      await wire.write("S");
      wire.detach();
      const secured = new TLSSocket(socket, { isServer: true, ...certificate });
      secured.on("error", () => undefined);
      await new Promise<void>((resolve, reject) => {
        secured.once("secure", resolve);
        secured.once("end", () => reject(new ProtocolViolation("the far end did not want TLS")));
      });
      wire = new WireSocket(secured, "client");
    },
    async closed() {
      try {
        for (;;) await wire.readExactly(1);
      } catch (error) {
        if (!(error instanceof ProtocolViolation)) throw error;
      }
    },
    end: () => wire.end(),
  };
}
