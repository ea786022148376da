import { StringDecoder } from "node:string_decoder";
import type { WebSocket } from "ws";

import type { CommandContext } from "../command-context.js";
import { UsageError } from "../failures.js";
import { readShellEnd } from "./shell-end.js";
import { openShellSocket } from "./shell-socket.js";
import { processTerminal, type Terminal, type TerminalSize } from "./terminal.js";

/** What is typed and not sent yet: beyond that no more is read. */
const MAX_UNSENT_BYTES = 256 * 1024;
/** The vault asks every 30 s whether somebody is there. */
const SILENCE_MS = 90_000;
const GOING_AWAY = 1001;

/**
 * Gives the terminal to a shell at a service's server until it is over.
 * @returns the shell's exit code
 * @throws UsageError without a terminal; CliError if something else has ended the shell; VaultError
 */
export async function openTerminal(
  context: CommandContext,
  service: string,
  terminal: Terminal = processTerminal(),
): Promise<number> {
  const { bin, output } = context;
  const advice = `to run one command: \`${bin} ssh ${service} uptime\``;
  if (output.json) throw new UsageError("a shell in the terminal has no result for --json", advice);
  if (!terminal.isInteractive) {
    throw new UsageError("a shell needs a terminal, and standard input is none", advice);
  }
  const client = await context.connect("token");
  return passTerminal(await openShellSocket(client, service, terminal.size()), terminal);
}

async function passTerminal(socket: WebSocket, terminal: Terminal): Promise<number> {
  // Keys come in bytes, and a character may come in two pieces.
  const decoder = new StringDecoder("utf8");
  let isOpen = true;
  let exitCode: number | undefined;
  const watch = watchSilence(socket);
  const end = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on("close", (code, reason) => {
      isOpen = false;
      resolve({ code, reason: reason.toString() });
    });
  });
  socket.on("message", (chunk: Buffer) => {
    watch.heard();
    if (!terminal.write(chunk)) socket.pause();
  });
  terminal.take({
    onInput(bytes) {
      const text = decoder.write(bytes);
      if (!isOpen || text === "") return;
      socket.send(text, () => {
        if (socket.bufferedAmount <= MAX_UNSENT_BYTES / 2) terminal.resumeInput();
      });
      if (socket.bufferedAmount > MAX_UNSENT_BYTES) terminal.pauseInput();
    },
    onResize() {
      if (isOpen) socket.send(encodeSize(terminal.size()));
    },
    onDrain: () => socket.resume(),
    onHangUp(code) {
      exitCode ??= code;
      socket.resume();
      socket.close(GOING_AWAY);
      socket.terminate();
    },
  });
  let isCutOff = true;
  try {
    socket.resume();
    const { code, reason } = await end;
    if (exitCode !== undefined) return exitCode;
    const shellsExitCode = readShellEnd(code, reason);
    isCutOff = false;
    return shellsExitCode;
  } finally {
    watch.stop();
    terminal.release(isCutOff);
  }
}

/** As the vault reads it: `01 colsHi colsLo rowsHi rowsLo`. */
export function encodeSize({ cols, rows }: TerminalSize): Buffer {
  const frame = Buffer.alloc(5, 1);
  frame.writeUInt16BE(cols, 1);
  frame.writeUInt16BE(rows, 3);
  return frame;
}

/** Ends a WebSocket whose vault is gone without a word. */
function watchSilence(socket: WebSocket): { readonly heard: () => void; readonly stop: () => void } {
  const timer = setTimeout(() => {
    if (socket.isPaused) timer.refresh();
    else socket.terminate();
  }, SILENCE_MS);
  const heard = (): void => void timer.refresh();
  socket.on("ping", heard);
  return { heard, stop: () => clearTimeout(timer) };
}
