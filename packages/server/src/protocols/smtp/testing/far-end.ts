import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { createSecureContext } from "node:tls";
import { ProtocolViolation, type Peer } from "../../../wire/protocol-violation.js";
import { startTls } from "../../../wire/start-tls.js";
import { WireSocket } from "../../../wire/wire-socket.js";
import type { ConnectionTools } from "../../session-driver.js";
import { sessionFailure } from "../../session-failure.js";

const PATIENCE_MS = 5000;

/** The other end of a connection, whose part a test plays word by word. */
export interface FarEnd {
  /** What the code under test has. */
  readonly wire: WireSocket;
  say(text: string): void;
  /** Waits for exactly this. @throws {Error} if something else comes */
  hear(text: string): Promise<void>;
  /** Waits until the connection is closed, and gives all that came and was not heard. */
  rest(): Promise<string>;
  /** Says that nothing more will come. */
  hangUp(): void;
  destroy(): void;
}

/** A real connection on loopback. */
export async function farEnd(peer: Peer): Promise<FarEnd> {
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const { port } = server.address() as AddressInfo;
  const far = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
  const [near] = await accepted;
  server.close();
  let heard = "";
  far.setEncoding("latin1").on("data", (text: string) => (heard += text));
  far.on("error", () => undefined);
  const ended = new Promise<void>((resolve) => far.once("end", resolve).once("close", () => resolve()));
  return {
    wire: new WireSocket(near, peer),
    say: (text) => void far.write(text, "latin1"),
    async hear(text) {
      const deadline = Date.now() + PATIENCE_MS;
      while (heard.length < text.length && text.startsWith(heard) && Date.now() < deadline && !near.destroyed)
        await new Promise((resolve) => setTimeout(resolve, 2));
      if (!heard.startsWith(text))
        throw new Error(`heard ${JSON.stringify(heard)}, not ${JSON.stringify(text)}`);
      heard = heard.slice(text.length);
    },
    async rest() {
      await ended;
      return heard;
    },
    hangUp: () => void far.end(),
    destroy() {
      far.destroy();
      near.destroy();
    },
  };
}

/** The tools of a session whose server is at the other end of `wire`. */
export function toolsWith(wire: WireSocket, accessToken = "token"): ConnectionTools {
  return {
    async connectServer(logIn) {
      try {
        return await logIn(wire);
      } catch (error) {
        wire.destroy();
        throw error instanceof ProtocolViolation && error.peer === "client" ? error : sessionFailure(error);
      }
    },
    secure: (plain) =>
      startTls(
        plain,
        { host: "127.0.0.1", secureContext: createSecureContext(), rejectUnauthorized: true },
        AbortSignal.timeout(PATIENCE_MS),
      ),
    accessToken: () => Promise.resolve(accessToken),
  };
}
