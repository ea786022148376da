import { setTimeout as delay } from "node:timers/promises";
import { performance } from "node:perf_hooks";
import { toVaultProxyError, VaultProxyError } from "../errors/vault-proxy-error.js";
import { readExitStatus, type ExitStatus } from "./exit-status.js";
import { sendSignal } from "./library-inside.js";
import type { SshChannel } from "./ssh-connection.js";
import { SSH_LIMITS } from "./ssh-limits.js";

export type OutputStream = "stdout" | "stderr";

/**
 * Takes a command's output, piece by piece. While it returns a promise, no more is read from the server. If it throws, the
 * command is ended with that.
 */
export type TakeOutput = (stream: OutputStream, chunk: Buffer) => Promise<void> | undefined;

/** How a command ended. */
export interface CommandEnd extends ExitStatus {
  readonly durationMs: number;
  /** Whether output beyond the limit was dropped. */
  readonly isTruncated: boolean;
}

export interface CommandRun {
  readonly stdin: Buffer | undefined;
  readonly timeoutMs: number;
  /** Ends the command with its reason. */
  readonly signal: AbortSignal;
  readonly takeOutput: TakeOutput;
  readonly outputBytes?: number | undefined;
}

/**
 * Waits for a command that was started on `channel`, and passes its output on.
 *
 * On a time-out, and when `signal` aborts, the remote process gets SIGTERM, soon after SIGKILL (RFC 4254 §6.9), and the
 * channel is closed. A server sends it no signal only because its connection has gone.
 * @throws VaultProxyError `upstream_timeout`; `upstream_failed` if the connection was lost; the signal's reason
 */
export async function runCommand(channel: SshChannel, run: CommandRun): Promise<CommandEnd> {
  const startedAt = performance.now();
  const limit = run.outputBytes ?? SSH_LIMITS.outputBytes;
  let isTruncated = false;
  const { promise: stopped, stop } = stopper();

  const pass = (name: OutputStream, source: NodeJS.ReadableStream): void => {
    let left = limit;
    source.on("data", (chunk: Buffer) => {
      const taken = chunk.length > left ? chunk.subarray(0, left) : chunk;
      left -= taken.length;
      if (taken.length < chunk.length) isTruncated = true;
      if (taken.length === 0) return;
      let wait: Promise<void> | undefined;
      try {
        wait = run.takeOutput(name, taken);
      } catch (thrown) {
        stop(toVaultProxyError(thrown));
      }
      if (wait === undefined) return;
      source.pause();
      // A taker that is gone aborts the signal.
      void wait.catch(() => undefined).finally(() => source.resume());
    });
  };
  pass("stdout", channel);
  pass("stderr", channel.stderr);
  channel.on("error", () => undefined);
  channel.stdin.on("error", () => undefined);
  channel.end(run.stdin);

  let reason: VaultProxyError | undefined;
  const timer = setTimeout(() => {
    stop(new VaultProxyError("upstream_timeout", `the command did not end within ${run.timeoutMs / 1000} s`));
  }, run.timeoutMs);
  const onAbort = (): void => stop(run.signal.reason as VaultProxyError);
  run.signal.addEventListener("abort", onAbort);
  if (run.signal.aborted) onAbort();
  try {
    reason = await Promise.race([channel.ended.then(() => undefined), stopped]);
    if (reason !== undefined) {
      await endCommand(channel, run.signal.aborted ? SSH_LIMITS.killEndedAfterMs : SSH_LIMITS.killAfterMs);
      throw reason;
    }
  } finally {
    clearTimeout(timer);
    run.signal.removeEventListener("abort", onAbort);
  }
  const exit = await channel.ended;
  if (exit === undefined) {
    throw new VaultProxyError("upstream_failed", "the connection was lost before the command had ended");
  }
  return {
    ...readExitStatus(exit),
    durationMs: Math.round(performance.now() - startedAt),
    isTruncated,
  };
}

function stopper(): { promise: Promise<VaultProxyError>; stop: (reason: VaultProxyError) => void } {
  let stop: (reason: VaultProxyError) => void = () => undefined;
  const promise = new Promise<VaultProxyError>((resolve) => (stop = resolve));
  return { promise, stop };
}

async function endCommand(channel: SshChannel, killAfterMs: number): Promise<void> {
  // What it still says is nobody's, but must be read for its end to be heard.
  channel.removeAllListeners("data").resume();
  channel.stderr.removeAllListeners("data").resume();
  const isOver = (milliseconds: number): Promise<boolean> =>
    Promise.race([channel.ended.then(() => true), delay(milliseconds, false, { ref: false })]);
  sendSignal(channel, "TERM");
  if (await isOver(killAfterMs)) return;
  sendSignal(channel, "KILL");
  channel.close();
  await isOver(killAfterMs);
}
