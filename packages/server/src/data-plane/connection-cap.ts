import type { Server } from "node:net";
import type { Logger } from "../redaction/logger.js";

/** Callers' connections in all. */
const MAX_CONNECTIONS = 10_240;
/** Of the files that the process may have open: a call has a connection to its upstream too, and the vault its own. */
const SHARE_OF_FILES = 0.4;
/** How often a log may say that the cap is reached. */
const LOG_EVERY_MS = 60_000;

/**
 * How many connections callers may have, by the limits of this process.
 *
 * @param limits `/proc/self/limits` (proc(5)); undefined where the system has none
 */
export function maxConnectionsWithin(limits: string | undefined): number {
  // The soft limit. Node has raised it to the hard one when it started.
  const files = /^Max open files\s+(\d+)/m.exec(limits ?? "")?.[1];
  if (files === undefined) return MAX_CONNECTIONS;
  return Math.max(1, Math.min(MAX_CONNECTIONS, Math.floor(Number(files) * SHARE_OF_FILES)));
}

/**
 * Closes each connection above `max` at once, and says so in the log, not more than once a minute.
 * @param now monotonic milliseconds
 */
export function capConnections(server: Server, max: number, log: Logger, now: () => number): void {
  server.maxConnections = max;
  let dropped = 0;
  let loggedAt: number | undefined;
  server.on("drop", () => {
    dropped += 1;
    if (loggedAt !== undefined && now() - loggedAt < LOG_EVERY_MS) return;
    loggedAt = now();
    log.warn({ open: max, closed: dropped }, "too many connections: further ones are closed at once");
    dropped = 0;
  });
}
