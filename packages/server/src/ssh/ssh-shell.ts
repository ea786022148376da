import type { WebSocket } from "ws";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { ShellClose } from "./shell-close.js";
import { hangUp, relayShell } from "./shell-relay.js";
import type { RunLater } from "./shell-traffic.js";
import type { SshCall } from "./ssh-calls.js";
import type { TerminalSize } from "./terminal-frames.js";

/** What `TERM` is at the server. */
const TERMINAL_TYPE = "xterm-256color";

/** The time, for what lasts hours. */
export interface ShellClock {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly after: RunLater;
}

export interface ShellRequest {
  readonly size: TerminalSize;
  /**
   * Called when the shell is there: answers the client's handshake, and gives its end.
   * @throws VaultProxyError if the client is gone, or is not to have it
   */
  readonly accept: () => WebSocket;
  /** Ends the shell with its reason, a VaultProxyError. */
  readonly signal: AbortSignal;
  readonly clock: ShellClock;
}

/**
 * Opens the user's shell in a terminal at a service's server, and serves it until it is over.
 * @returns how it ended
 * @throws VaultProxyError before the client's handshake was answered: `forbidden` for a service with an allow-list; as
 *   the connection and `accept`
 */
export async function openShell(call: SshCall, request: ShellRequest): Promise<ShellClose> {
  await call.permit({});
  if (call.access.allowedCommands !== undefined) {
    throw new VaultProxyError(
      "forbidden",
      "ssh_allowed_commands is set: a shell cannot be held to an allow-list",
    );
  }
  const { clock, size } = request;
  const signals = [call.signal, request.signal];
  return call.withChannel({
    async open(connection) {
      const channel = await connection.shell({ ...size, term: TERMINAL_TYPE, width: 0, height: 0 });
      // Nobody would close it.
      if (call.signal.aborted) await hangUp(channel, clock.after);
      return channel;
    },
    async use(channel, connection) {
      let socket: WebSocket;
      try {
        for (const signal of signals) signal.throwIfAborted();
        socket = request.accept();
      } catch (error) {
        await hangUp(channel, clock.after);
        throw error;
      }
      return relayShell({
        ...{ channel, socket, signals },
        countBytes: (bytes) => call.countBytes(bytes),
        isConnected: () => connection.isOpen,
        tokenMs: Date.parse(call.token.expires_at) - clock.now(),
        idleMs: call.idleTimeoutMs,
        after: clock.after,
      });
    },
  });
}
