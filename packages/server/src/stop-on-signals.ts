import type { VaultServer } from "./create-server.js";
import { describeThrown, type Logger } from "./redaction/logger.js";

const DRAIN_MS = 5000;
const SWEEP_MS = 50;
const SIGNALS = ["SIGTERM", "SIGINT"] as const;
const EXIT_BY_SECOND_SIGNAL = 130;

/**
 * On SIGTERM or SIGINT: stop accepting, let running calls finish for 5 s, lock, exit 0. A second signal exits at once.
 */
export function stopOnSignals(server: VaultServer, log: Logger): void {
  let stopping = false;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (stopping) process.exit(EXIT_BY_SECOND_SIGNAL);
      stopping = true;
      log.info({ signal }, "stopping");
      stop(server).then(
        () => {
          log.info({}, "stopped");
          process.exit(0);
        },
        (thrown: unknown) => {
          log.error(describeThrown(thrown), "stopping failed");
          process.exit(1);
        },
      );
    });
  }
}

async function stop(server: VaultServer): Promise<void> {
  const { listener } = server;
  if (listener.listening) {
    const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
    // A connection whose call has just ended would wait for another one.
    const sweep = setInterval(() => listener.closeIdleConnections(), SWEEP_MS);
    const deadline = setTimeout(() => listener.closeAllConnections(), DRAIN_MS);
    await closed;
    clearTimeout(deadline);
    clearInterval(sweep);
  }
  await server.close();
}
