import { once, setMaxListeners } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import type { SecureContext } from "node:tls";
import { secureContext } from "../../network/tls-trust.js";
import { dial } from "../../wire/dial.js";
import { ProtocolViolation } from "../../wire/protocol-violation.js";
import { splice } from "../../wire/splice.js";
import { startTls, type TlsTrust } from "../../wire/start-tls.js";
import { WireSocket } from "../../wire/wire-socket.js";
import type { ConnectionTools, LocalLogin, SessionDriver } from "../session-driver.js";
import { sessionFailure } from "../session-failure.js";

export interface LoopbackSessionOptions<Config> {
  readonly driver: SessionDriver<Config>;
  readonly config: Config;
  /** Where the service's server is. */
  readonly server: { readonly host: string; readonly port: number };
  readonly ca?: string | undefined;
  readonly login?: LocalLogin | undefined;
  /** Called with the name of the OAuth service. */
  readonly accessToken?: (oauthService: string) => Promise<string>;
  /** How many clients are connected; those that come later are served beyond. Default: any number. */
  readonly maxConnections?: number | undefined;
}

/** A session without what surrounds it: a listener, the driver, and the splice. */
export interface LoopbackSession {
  readonly port: number;
  readonly url: string;
  /** What the connections that failed failed with, in their order. */
  readonly failures: readonly unknown[];
  close(): Promise<void>;
}

export async function openLoopbackSession<Config>(
  options: LoopbackSessionOptions<Config>,
): Promise<LoopbackSession> {
  const { driver, config, server, login } = options;
  const session = driver.open(config, login);
  const control = new AbortController();
  const { signal } = control;
  // Each connection listens to it.
  setMaxListeners(0, signal);
  let context: SecureContext | undefined;
  const trust = (): TlsTrust => ({
    host: server.host,
    // Reading all roots takes a while, and many tests do without TLS.
    secureContext: (context ??= secureContext(options.ca)),
    rejectUnauthorized: true,
  });
  const destroyAtEnd = (wire: WireSocket): WireSocket => {
    signal.addEventListener("abort", () => wire.destroy(signal.reason as Error), { once: true });
    return wire;
  };
  const tools: ConnectionTools = {
    async connectServer(logIn) {
      let wire: WireSocket | undefined;
      try {
        wire = destroyAtEnd(await dial({ ...server, allowPrivate: true }, { signal }));
        return await logIn(wire);
      } catch (error) {
        wire?.destroy();
        throw error instanceof ProtocolViolation && error.peer === "client" ? error : sessionFailure(error);
      }
    },
    async secure(wire) {
      const secured = await startTls(wire, trust(), signal);
      destroyAtEnd(secured.wire);
      return secured;
    },
    accessToken: options.accessToken ?? (() => Promise.reject(new Error("no token is asked for"))),
    runHeavy: (work) => work(),
    takePlace: () => undefined,
    onLoggedIn: () => undefined,
  };

  const failures: unknown[] = [];
  const sockets = new Set<Socket>();
  let places = options.maxConnections ?? Infinity;
  const serve = async (socket: Socket): Promise<void> => {
    const client = destroyAtEnd(new WireSocket(socket, "client"));
    if (places === 0) {
      await session.connectBeyond?.(client, tools);
      return;
    }
    places -= 1;
    const ends = await session.connect(client, tools);
    if (ends === undefined) return;
    await splice(ends.client, ends.server, signal, ends.pass);
    ends.onClosed?.();
  };
  const listener = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    serve(socket).catch((error: unknown) => {
      failures.push(error);
      socket.destroy();
    });
  }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  return {
    port,
    url: driver.urlOf({ host: "127.0.0.1", port }, config, login),
    failures,
    async close() {
      const closed = once(listener, "close");
      listener.close();
      control.abort(new Error("the test has ended"));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
