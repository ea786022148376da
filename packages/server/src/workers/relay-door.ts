import { createServer as createNetServer, type Server, type Socket } from "node:net";
import { describeThrown, type Logger } from "../redaction/logger.js";
import { WORKER_LIMITS } from "./limits.js";
import { decodePreamble, type RelayedPeer } from "./relay-preamble.js";

export interface RelayDoorParts {
  readonly key: Buffer;
  /** Serves what comes behind the preamble, as if the peer itself had connected. */
  readonly serve: (connection: Socket) => void;
  readonly log: Logger;
}

/** Where the owner takes requests that workers pass on. Whoever does not show the key first is closed. Not listening yet. */
export function createRelayDoor({ key, serve, log }: RelayDoorParts): Server {
  return createNetServer({ allowHalfOpen: true }, (socket) => {
    let received = Buffer.alloc(0);
    const close = (): void => {
      clearTimeout(timer);
      socket.destroy();
    };
    const timer = setTimeout(close, WORKER_LIMITS.preamble);
    const read = (): void => {
      const chunk = socket.read() as Buffer | null;
      if (chunk === null) return;
      received = Buffer.concat([received, chunk]);
      let preamble;
      try {
        preamble = decodePreamble(key, received);
      } catch (error) {
        log.warn(describeThrown(error), "a connection that is no worker's was closed");
        close();
        return;
      }
      if (preamble === undefined) return;
      clearTimeout(timer);
      socket.off("readable", read).off("error", close).off("close", close);
      standFor(socket, preamble.peer);
      const rest = received.subarray(preamble.end);
      if (rest.length > 0) socket.unshift(rest);
      serve(socket);
    };
    socket.on("readable", read).on("error", close).on("close", close);
  });
}

/** Everything that looks at a connection's ends sees those of the peer. */
function standFor(socket: Socket, peer: RelayedPeer): void {
  const { remoteAddress, remotePort, localAddress, localPort, encrypted } = peer;
  const ends = { remoteAddress, remotePort, localAddress, localPort };
  for (const [name, value] of Object.entries(ends)) Object.defineProperty(socket, name, { value });
  if (encrypted) Object.defineProperty(socket, "encrypted", { value: true });
}
