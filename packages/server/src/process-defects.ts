import { describeThrown, type Logger } from "./redaction/logger.js";

/** Node would open its inspector, on a port where every user of the machine may run code in this process. */
export function ignoreInspectorSignal(log: Logger): void {
  process.on("SIGUSR1", () => log.warn({}, "SIGUSR1 is ignored"));
}

/** A rejection that nobody handled concerns one call; after an exception nobody knows what state is left. */
export function exitOnDefects(log: Logger): void {
  process.on("unhandledRejection", (thrown) => log.error(describeThrown(thrown), "unexpected error"));
  process.on("uncaughtException", (thrown) => {
    log.error(describeThrown(thrown), "unexpected error, exiting");
    process.exit(1);
  });
}
