import type { Server } from "node:http";
import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { VaultServer } from "./create-server.js";
import { describeThrown, type Logger } from "./redaction/logger.js";

const DRAIN_MS = 5000;
const SWEEP_MS = 50;
const SIGNALS = ["SIGTERM", "SIGINT"] as const;
const EXIT_BY_SECOND_SIGNAL = 130;

/**
 * On SIGTERM or SIGINT: stop accepting, end shells, let running calls and sessions go on for 5 s, lock, exit 0. A second signal exits at once.
 */
export function stopOnSignals(server: VaultServer, log: Logger): void {
  const sockets = trackSockets(server.listener);
  let stopping = false;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (stopping) process.exit(EXIT_BY_SECOND_SIGNAL);
      stopping = true;
      log.info({ signal }, "stopping");
      stop(server, sockets, signal).then(
        () => {
          log.info({}, "stopped");
          process.exit(0);
        },
        (thrown: unknown) => {
          log.error(describeThrown(thrown), "stopping failed");
          process.exit(1);
        },
      );
    });
  }
}

/** Every TCP connection, also one that never got as far as a TLS handshake or a request: Node's server forgets those. */
function trackSockets(listener: Server): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  listener.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  return sockets;
}

async function stop(server: VaultServer, sockets: ReadonlySet<Socket>, signal: string): Promise<void> {
  const { listener } = server;
  server.endShells();
  const drained = Promise.race([server.drainSessions(), delay(DRAIN_MS, undefined, { ref: false })]);
  if (listener.listening) {
    const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
    // A connection whose call has just ended would wait for another one.
    const sweep = setInterval(() => listener.closeIdleConnections(), SWEEP_MS);
    const deadline = setTimeout(() => {
      server.endCalls();
      for (const socket of sockets) socket.destroy();
    }, DRAIN_MS);
    await closed;
    clearTimeout(deadline);
    clearInterval(sweep);
  }
  if (server.workers !== undefined) {
    // What workers have passed on to this process.
    const deadline = setTimeout(() => server.endCalls(), DRAIN_MS);
    await server.workers.stop();
    clearTimeout(deadline);
  }
  await drained;
  await server.close(signal);
}
