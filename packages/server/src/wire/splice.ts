import type { Duplex } from "node:stream";
import type { DetachedSocket, WireSocket } from "./wire-socket.js";

/** How long an end may take to read what came for it, once the other end is lost. */
const LINGER_MS = 5000;

/** How a splice came to its end: both closed in order, one broke off, or it was ended from here. */
export type SpliceEnd = "closed" | "client_lost" | "server_lost" | "ended";

/** Passes bytes on, both ways: what was read before first, and in the end the end (half-close). Must not throw. */
export type PassBytes = (client: DetachedSocket, server: DetachedSocket) => void;

/** As they are. */
export const passUntouched: PassBytes = (client, server) => {
  pass(client, server.socket);
  pass(server, client.socket);
};

/**
 * Passes bytes on between two ends until both directions are done: each with back-pressure, each closed when its sender
 * closes (half-close). What an end sent ahead of the log-in's end goes first. When an end is lost, the other gets what
 * came before, and is closed.
 *
 * @param signal ends both connections at once
 * @returns when both connections are closed. Never rejects.
 */
export async function splice(
  client: WireSocket,
  server: WireSocket,
  signal: AbortSignal,
  passBytes: PassBytes = passUntouched,
): Promise<SpliceEnd> {
  const [left, right] = [client.detach(), server.detach()];
  const destroyBoth = (): void => {
    left.socket.destroy();
    right.socket.destroy();
  };
  signal.addEventListener("abort", destroyBoth);
  const closings = [
    closingOf(left.socket, right.socket, "client_lost"),
    closingOf(right.socket, left.socket, "server_lost"),
  ];
  if (signal.aborted) destroyBoth();
  passBytes(left, right);
  const first = await Promise.race(closings);
  await Promise.all(closings);
  signal.removeEventListener("abort", destroyBoth);
  return signal.aborted ? "ended" : first;
}

/** Resolves when `own` is closed; if that was not in order, `other` is closed too. */
async function closingOf(own: Duplex, other: Duplex, lost: SpliceEnd): Promise<SpliceEnd> {
  own.on("error", () => undefined);
  if (!own.closed) await new Promise<void>((resolve) => own.once("close", resolve));
  if (own.errored === null && own.readableEnded && own.writableFinished) return "closed";
  finish(other);
  return lost;
}

/** Closes a connection whose far end is of no use any more, after what was written to it. */
function finish(socket: Duplex): void {
  if (socket.destroyed) return;
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once("close", () => clearTimeout(timer));
  // Nobody is there to take what still comes, and what is unread at a close turns the close into a reset.
  socket.unpipe().resume();
  socket.end(() => socket.destroy());
}

function pass({ socket, rest, reads }: DetachedSocket, to: Duplex): void {
  if (rest.length > 0) to.write(rest);
  if (reads?.passTo(to) !== true) socket.pipe(to);
}
