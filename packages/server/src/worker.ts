import type { Socket } from "node:net";
import { keepMemoryOutOfCoreDumps } from "./core-dumps.js";
import { createWorker, type Worker } from "./create-worker.js";
import { exitOnDefects, ignoreInspectorSignal } from "./process-defects.js";
import { createLogger, describeThrown } from "./redaction/logger.js";
import type { OwnerMessage } from "./workers/messages.js";
import { createOwnerLink } from "./workers/owner-link.js";

const STDERR = 2;
const CANNOT_START = 1;

/** Started by `vault-server --workers`, with a channel to it; of no use otherwise. */
if (process.send === undefined) {
  process.stderr.write("this program is started by vault-server\n");
  process.exitCode = 2;
} else {
  run();
}

function run(): void {
  const link = createOwnerLink((message, onSent) => {
    // Without a channel there is nobody left to tell, and this process is about to end.
    if (process.connected) process.send?.(message, undefined, undefined, (error) => error ?? onSent?.());
  });
  let worker: Promise<Worker> | undefined;
  let running: Worker | undefined;
  // The owner is gone: whatever is held here is nobody's any more.
  process.on("disconnect", () => process.exit(CANNOT_START));
  // A terminal sends them to the owner too, which says what is to be done.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
  keepMemoryOutOfCoreDumps();

  process.on("message", (message: OwnerMessage, socket: Socket | undefined) => {
    if (running !== undefined) running.hear(message, socket);
    else if (message.type === "start" && worker === undefined) start(message);
  });

  function start({ settings }: Extract<OwnerMessage, { type: "start" }>): void {
    const log = createLogger({ format: settings.logFormat, level: settings.logLevel, fd: STDERR });
    process.on("exit", () => log.flush());
    exitOnDefects(log);
    ignoreInspectorSignal(log);
    const exit = (): void =>
      void process.send?.({ type: "left" }, undefined, undefined, () => process.exit());
    worker = createWorker(settings, { link, log, exit });
    worker.then(
      (made) => {
        running = made;
        link.send({ type: "ready" });
      },
      (thrown: unknown) => {
        log.error(describeThrown(thrown), "a worker cannot start");
        process.exit(CANNOT_START);
      },
    );
  }

  link.send({ type: "loaded" });
}
