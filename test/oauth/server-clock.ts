import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { startServer, type RunningServer } from "../live/processes.js";

const MOVED_WITHIN_MS = 5000;
const LOOK_EVERY_MS = 5;

/** A built server whose time a test can move on. */
export interface ServerWithClock {
  readonly server: RunningServer;
  /** Milliseconds since the epoch, by the server's clock. */
  now(): number;
  /** Moves its clock forward; resolves when every timer that has fallen due has been called. */
  advance(ms: number): Promise<void>;
}

/** One that is started again with the same `directory` keeps the time of the one before. */
export async function startServerWithClock(options: {
  /** Where the clock is. */
  readonly directory: string;
  readonly dataDir: string;
  readonly flags?: readonly string[];
}): Promise<ServerWithClock> {
  const file = join(options.directory, "clock");
  const preload = new URL("adjustable-clock.mjs", import.meta.url).href;
  const server = await startServer({
    ...options,
    env: { NODE_OPTIONS: `--import=${preload}`, VAULT_TEST_CLOCK: file },
  });
  let ahead = existsSync(file) ? Number(readFileSync(file, "utf8")) : 0;
  return {
    server,
    now: () => Date.now() + ahead,
    async advance(ms) {
      ahead += ms;
      writeFileSync(file, String(ahead));
      process.kill(server.pid, "SIGUSR2");
      const seen = `${file}.seen`;
      const deadline = Date.now() + MOVED_WITHIN_MS;
      while (!existsSync(seen) || readFileSync(seen, "utf8") !== String(ahead)) {
        if (Date.now() > deadline) throw new Error("the server's clock did not move");
        await delay(LOOK_EVERY_MS);
      }
    },
  };
}
