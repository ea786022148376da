import type { WebSocket } from "ws";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { readExitStatus } from "./exit-status.js";
import { sendSignal } from "./library-inside.js";
import { closeAfterExit, closeAfterFailure, closeAfterViolation, type ShellClose } from "./shell-close.js";
import { watchTraffic, type RunLater, type ShellTimes, type ShellTraffic } from "./shell-traffic.js";
import type { SshChannel } from "./ssh-connection.js";
import { SSH_LIMITS } from "./ssh-limits.js";
import { readTerminalFrame, type TerminalSize } from "./terminal-frames.js";

export interface ShellRelay extends ShellTimes {
  readonly channel: SshChannel;
  /** The client's end; open. */
  readonly socket: WebSocket;
  /** Each ends the shell with its reason, a VaultProxyError. */
  readonly signals: readonly AbortSignal[];
  /** Told of every piece, either way. */
  readonly countBytes: (bytes: number) => void;
  /** Whether the connection that the channel is on still stands. */
  readonly isConnected: () => boolean;
}

/**
 * Joins a shell's channel and its client's WebSocket, each at the other's pace, until one of them ends, time is up, or a
 * signal aborts. Then both are closed. Never rejects.
 */
export async function relayShell(relay: ShellRelay): Promise<ShellClose> {
  const { channel, socket, after } = relay;
  let finish: (close: ShellClose) => void = () => undefined;
  const finished = new Promise<ShellClose>((resolve) => (finish = resolve));
  const fail = (error: VaultProxyError): void => finish(closeAfterFailure(error));
  const traffic = watchTraffic(socket, relay, fail);

  const stopOutput = passOutput(channel, socket, { ...traffic, countBytes: relay.countBytes });
  const resizer = createResizer((size) => channel.setWindow(size.rows, size.cols, 0, 0), after);
  const onMessage = (message: Buffer, isBinary: boolean): void => {
    traffic.heard();
    relay.countBytes(message.length);
    if (!isBinary) {
      if (channel.write(message)) return;
      socket.pause();
      traffic.paused();
      return;
    }
    const size = readTerminalFrame(message);
    if (size === undefined) {
      finish(closeAfterViolation("a binary message is 01 and a terminal's size, from 1 to 1000"));
    } else {
      resizer.resize(size);
    }
  };
  const onDrain = (): void => socket.resume();
  const onClientGone = (): void => fail(new VaultProxyError("invalid_request", "the client went away"));
  socket.on("message", onMessage).on("close", onClientGone);
  // The library has begun to close it, with the code that fits.
  socket.on("error", () => finish(closeAfterViolation("this is not WebSocket")));
  channel.on("drain", onDrain).on("error", () => undefined);
  void channel.ended.then((exit) => {
    if (exit !== undefined) finish(closeAfterExit(readExitStatus(exit)));
    else if (relay.isConnected()) finish(closeAfterExit(undefined));
    else fail(new VaultProxyError("upstream_failed", "the connection to the server was lost"));
  });
  const stopSignals = relay.signals.map((signal) => onAbort(signal, fail));

  const close = await finished;
  for (const stop of [traffic.stop, stopOutput, resizer.stop, ...stopSignals]) stop();
  socket.off("message", onMessage).off("close", onClientGone);
  channel.off("drain", onDrain);
  closeSocket(socket, close, after);
  await hangUp(channel, after);
  return close;
}

/**
 * Closes a channel: the server hangs up on what runs there. OpenSSH does so only when that has read all of its input,
 * hence the signals. Resolves when the server has closed it too, or after a while.
 */
export async function hangUp(channel: SshChannel, after: RunLater): Promise<void> {
  const isEnded = (): Promise<boolean> =>
    new Promise((resolve) => {
      const callOff = after(SSH_LIMITS.killEndedAfterMs, () => resolve(false));
      void channel.ended.then(() => {
        callOff();
        resolve(true);
      });
    });
  // What it still says is nobody's, but must be read for its end to be heard.
  channel.resume();
  channel.stderr.resume();
  sendSignal(channel, "HUP");
  if (channel.writableLength > 0) {
    if (await isEnded()) return;
    sendSignal(channel, "KILL");
  }
  channel.close();
  await isEnded();
}

/** Sends what the shell puts out. While the client does not take it, no more is read from the server. */
function passOutput(
  channel: SshChannel,
  socket: WebSocket,
  traffic: Pick<ShellTraffic, "said" | "taken"> & Pick<ShellRelay, "countBytes">,
): () => void {
  const sources = [channel, channel.stderr];
  let isHeld = false;
  const onSent = (): void => {
    if (!isHeld || socket.bufferedAmount > SSH_LIMITS.shellUnsentBytes / 2) return;
    isHeld = false;
    traffic.taken();
    for (const source of sources) source.resume();
  };
  const onData = (chunk: Buffer): void => {
    traffic.said();
    traffic.countBytes(chunk.length);
    socket.send(chunk, { binary: true }, onSent);
    if (socket.bufferedAmount <= SSH_LIMITS.shellUnsentBytes) return;
    isHeld = true;
    for (const source of sources) source.pause();
  };
  for (const source of sources) source.on("data", onData);
  return () => {
    isHeld = false;
    for (const source of sources) source.off("data", onData);
  };
}

/** Passes the first of several sizes on at once, and then the last one of each while: they are bounded by nothing else. */
function createResizer(
  setSize: (size: TerminalSize) => void,
  after: RunLater,
): { resize: (size: TerminalSize) => void; stop: () => void } {
  let latest: TerminalSize | undefined;
  let callOff: (() => void) | undefined;
  const apply = (): void => {
    callOff = undefined;
    if (latest === undefined) return;
    setSize(latest);
    latest = undefined;
    callOff = after(SSH_LIMITS.resizeMs, apply);
  };
  return {
    resize(size) {
      latest = size;
      if (callOff === undefined) apply();
    },
    stop: () => callOff?.(),
  };
}

function closeSocket(socket: WebSocket, { code, reason }: ShellClose, after: RunLater): void {
  if (socket.readyState === socket.CLOSED) return;
  // One that waits for the shell would not hear the answer.
  socket.resume();
  socket.close(code, reason);
  const callOff = after(SSH_LIMITS.closingMs, () => socket.terminate());
  socket.once("close", callOff);
}

function onAbort(signal: AbortSignal, end: (reason: VaultProxyError) => void): () => void {
  const listener = (): void => end(signal.reason as VaultProxyError);
  signal.addEventListener("abort", listener, { once: true });
  if (signal.aborted) listener();
  return () => signal.removeEventListener("abort", listener);
}
