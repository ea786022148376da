import type { WebSocket } from "ws";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { SSH_LIMITS } from "./ssh-limits.js";

/** Runs a task later. Gives what calls it off. */
export type RunLater = (milliseconds: number, task: () => void) => () => void;

export interface ShellTimes {
  /** When the token that the shell was opened with ends, from now. */
  readonly tokenMs: number;
  /** Without any traffic; undefined for no limit. */
  readonly idleMs: number | undefined;
  readonly after: RunLater;
}

export interface ShellTraffic {
  /** The client sent something. */
  readonly heard: () => void;
  /** The shell put something out. */
  readonly said: () => void;
  /** The client took what it had let wait. */
  readonly taken: () => void;
  /** The client is not listened to: that it has left shows only when something is sent to it (RFC 6455 §5.5.3). */
  readonly paused: () => void;
  readonly stop: () => void;
}

/** Ends a shell when its time is up, when nothing happens any more, and when its client is gone without a word. */
export function watchTraffic(
  socket: WebSocket,
  { tokenMs, idleMs, after }: ShellTimes,
  end: (reason: VaultProxyError) => void,
): ShellTraffic {
  let isHeard = true;
  const heard = (): void => {
    isHeard = true;
  };

  const stopLife =
    tokenMs < SSH_LIMITS.shellMs
      ? after(Math.max(0, tokenMs), () => end(new VaultProxyError("unauthorized", "this token has expired")))
      : after(SSH_LIMITS.shellMs, () => {
          const hours = SSH_LIMITS.shellMs / 3_600_000;
          end(new VaultProxyError("forbidden", `a shell stays open for ${hours} hours at most`));
        });

  let stopIdle = (): void => undefined;
  const touch = (): void => {
    if (idleMs === undefined) return;
    stopIdle();
    stopIdle = after(idleMs, () => {
      end(new VaultProxyError("forbidden", `nothing happened in the shell for ${idleMs / 1000} s`));
    });
  };

  let stopPings = (): void => undefined;
  const ping = (): void => {
    stopPings = after(SSH_LIMITS.pingMs, ping);
    // Of one that is not listened to nothing can be heard.
    if (socket.isPaused) {
      isHeard = true;
    } else if (isHeard) {
      isHeard = false;
      socket.ping();
    } else {
      end(new VaultProxyError("invalid_request", "the client does not answer any more"));
    }
  };

  let stopProbes = (): void => undefined;
  const probe = (): void => {
    if (!socket.isPaused) return;
    if (socket.bufferedAmount === 0) socket.pong();
    stopProbes();
    stopProbes = after(SSH_LIMITS.probeMs, probe);
  };

  socket.on("pong", heard);
  touch();
  stopPings = after(SSH_LIMITS.pingMs, ping);
  return {
    heard() {
      heard();
      touch();
    },
    said: touch,
    taken: heard,
    paused: probe,
    stop() {
      socket.off("pong", heard);
      for (const stop of [stopLife, stopIdle, stopPings, stopProbes]) stop();
    },
  };
}
