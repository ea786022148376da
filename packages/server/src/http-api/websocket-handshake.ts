import { WebSocketServer, type ServerOptions, type WebSocket } from "ws";
import type { IncomingUpgrade } from "../data-plane/proxy-pipeline.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { SSH_LIMITS } from "../ssh/ssh-limits.js";

/** How often a silent peer is asked by TCP whether it is still there. */
const KEEP_ALIVE_MS = 30_000;

/** A WebSocket handshake whose answer waits. */
export interface HeldHandshake {
  /** Aborts when the client leaves before it is answered. */
  readonly callerGone: AbortSignal;
  readonly isAnswered: boolean;
  /**
   * Switches protocols (RFC 6455 §4.2.2), without extensions and subprotocols.
   * @throws VaultProxyError if the client is gone
   */
  accept(headers: Readonly<Record<string, string>>): WebSocket;
}

/** Watches a client while it waits: only a connection that is read tells that it has left. */
export function holdHandshake({ request, socket, head }: IncomingUpgrade): HeldHandshake {
  const gone = new AbortController();
  const early = [head];
  let earlyBytes = head.length;
  let isAnswered = false;
  const leave = (): void => {
    gone.abort();
    socket.destroy();
  };
  const onData = (chunk: Buffer): void => {
    early.push(chunk);
    earlyBytes += chunk.length;
    if (earlyBytes > SSH_LIMITS.earlyBytes) leave();
  };
  socket.on("data", onData).on("end", leave).on("close", leave);

  return {
    callerGone: gone.signal,
    get isAnswered() {
      return isAnswered;
    },
    accept(headers) {
      socket.off("data", onData).off("end", leave).off("close", leave).pause();
      const options: ServerOptions & { readonly closeTimeout: number } = {
        ...{ noServer: true, clientTracking: false, perMessageDeflate: false },
        maxPayload: SSH_LIMITS.shellMessageBytes,
        closeTimeout: SSH_LIMITS.closingMs,
      };
      const server = new WebSocketServer(options);
      server.on("headers", (lines) => {
        for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
      });
      delete request.headers["sec-websocket-protocol"];
      let accepted: WebSocket | undefined;
      isAnswered = true;
      server.handleUpgrade(request, socket, Buffer.concat(early), (webSocket) => (accepted = webSocket));
      if (accepted === undefined) throw new VaultProxyError("invalid_request", "the client went away");
      socket.setKeepAlive(true, KEEP_ALIVE_MS);
      // The library waits for a connection that was never read.
      socket.resume();
      return accepted;
    },
  };
}
