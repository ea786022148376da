import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { secureContext } from "../../network/tls-trust.js";
import { ProtocolViolation, type Peer } from "../../wire/protocol-violation.js";
import { startTls } from "../../wire/start-tls.js";
import { WireSocket } from "../../wire/wire-socket.js";
import type { ConnectionTools } from "../session-driver.js";
import { sessionFailure } from "../session-failure.js";

const PATIENCE_MS = 5000;

/** The other end of a connection, whose part a test plays word by word. Texts are bytes as Latin-1. */
export interface FarEnd {
  /** What the code under test has. */
  readonly wire: WireSocket;
  say(text: string): void;
  /** Waits for exactly this. @throws {Error} if something else comes */
  hear(text: string): Promise<void>;
  /** Waits until the other side closes, and gives all that came and was not heard. */
  rest(): Promise<string>;
  /** As a server, does the handshake that `startTls` begins; the rest goes over TLS. */
  serveTls(certificate: { readonly cert: string; readonly key: string }): void;
  /** Says that nothing more will come. */
  hangUp(): void;
  destroy(): void;
}

/** A real connection on loopback. */
export async function farEnd(peer: Peer): Promise<FarEnd> {
  const listener = createServer({ allowHalfOpen: true, noDelay: true }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  const accepted = once(listener, "connection") as Promise<[Socket]>;
  const { port } = listener.address() as AddressInfo;
  const plain = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
  const [near] = await accepted;
  listener.close();

  let far: Socket = plain;
  let heard = "";
  let isOver = false;
  let wake = (): void => undefined;
  const onData = (chunk: Buffer): void => {
    heard += chunk.toString("latin1");
    wake();
  };
  const onOver = (): void => {
    isOver = true;
    wake();
  };
  const listen = (): void =>
    void far.on("data", onData).on("end", onOver).on("close", onOver).on("error", onOver);
  listen();
  const changed = async (): Promise<void> => {
    const timer = setTimeout(() => wake(), PATIENCE_MS);
    const before = heard.length;
    await new Promise<void>((resolve) => (wake = resolve));
    clearTimeout(timer);
    if (heard.length === before && !isOver)
      throw new Error(`nothing more came than ${JSON.stringify(heard)}`);
  };

  return {
    wire: new WireSocket(near, peer),
    say: (text) => void far.write(text, "latin1"),
    async hear(text) {
      while (heard.length < text.length && text.startsWith(heard) && !isOver) await changed();
      if (!heard.startsWith(text))
        throw new Error(`heard ${JSON.stringify(heard)}, not ${JSON.stringify(text)}`);
      heard = heard.slice(text.length);
    },
    async rest() {
      while (!isOver) await changed();
      return heard;
    },
    serveTls(certificate) {
      plain.removeListener("data", onData).removeListener("end", onOver);
      far = new TLSSocket(plain, { isServer: true, ...certificate });
      listen();
    },
    hangUp: () => void far.end(),
    destroy() {
      plain.destroy();
      near.destroy();
    },
  };
}

export interface FarServerOptions {
  readonly accessToken?: string | undefined;
  /** The authority of its certificate. */
  readonly ca?: string | undefined;
}

/** The tools of a session whose server is at the other end of `wire`. */
export function toolsFor(
  wire: WireSocket,
  { accessToken = "token", ca }: FarServerOptions = {},
): ConnectionTools {
  const trust = { host: "127.0.0.1", secureContext: secureContext(ca), rejectUnauthorized: true };
  return {
    async connectServer(logIn) {
      try {
        return await logIn(wire);
      } catch (error) {
        wire.destroy();
        throw error instanceof ProtocolViolation && error.peer === "client" ? error : sessionFailure(error);
      }
    },
    secure: (plain) => startTls(plain, trust, AbortSignal.timeout(PATIENCE_MS)),
    accessToken: () => Promise.resolve(accessToken),
    runHeavy: (work) => work(),
    takePlace: () => undefined,
    onLoggedIn: () => undefined,
  };
}
