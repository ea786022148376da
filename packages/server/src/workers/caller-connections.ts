import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { Logger } from "../redaction/logger.js";
import { WORKER_LIMITS } from "./limits.js";

/** The connections of callers that the owner has handed to this worker. */
export interface CallerConnections {
  readonly size: number;
  take(socket: Socket): void;
  /** Takes no more; lets what runs end, for a bounded time. Resolves when none is left. */
  drain(): Promise<void>;
}

export interface CallerConnectionsParts {
  /** Does not listen itself. */
  readonly listener: Server;
  readonly max: number;
  /** Ends what still runs when the time to drain is over. */
  readonly endCalls: () => void;
  readonly log: Pick<Logger, "warn">;
}

export function createCallerConnections({
  listener,
  max,
  endCalls,
  log,
}: CallerConnectionsParts): CallerConnections {
  const sockets = new Set<Socket>();
  let isDraining = false;
  let dropped = 0;
  // From then on Node looks for connections that are too slow; this server gets its own from elsewhere.
  listener.emit("listening");

  return {
    get size() {
      return sockets.size;
    },
    take(socket) {
      if (isDraining || sockets.size >= max) {
        if (!isDraining && dropped === 0)
          log.warn({ open: max }, "too many connections: further ones are closed at once");
        dropped += 1;
        socket.destroy();
        return;
      }
      dropped = 0;
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      // As the sockets of a listening server are.
      socket.allowHalfOpen = true;
      socket.setNoDelay(true);
      listener.emit("connection", socket);
      socket.resume();
    },
    drain() {
      isDraining = true;
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
      return new Promise((resolve) => {
        // A connection whose call has just ended would wait for another one.
        const sweep = setInterval(() => {
          listener.closeIdleConnections();
          if (sockets.size > 0) return;
          clearInterval(sweep);
          clearTimeout(deadline);
          resolve();
        }, WORKER_LIMITS.sweep);
        const deadline = setTimeout(() => {
          endCalls();
          for (const socket of sockets) socket.destroy();
        }, WORKER_LIMITS.drain);
      });
    },
  };
}
