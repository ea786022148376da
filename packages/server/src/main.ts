#!/usr/bin/env node
import { parseCommandLine } from "./config/command-line.js";
import type { ServerConfig } from "./config/server-config.js";
import { keepMemoryOutOfCoreDumps } from "./core-dumps.js";
import { VaultProxyError } from "./errors/vault-proxy-error.js";
import { listen } from "./listen.js";
import { exitOnDefects, ignoreInspectorSignal } from "./process-defects.js";
import { createLogger, describeThrown, type Logger } from "./redaction/logger.js";
import { readStartPassword } from "./start-up-files.js";
import { stopOnSignals } from "./stop-on-signals.js";
import { readVersion } from "./version.js";

const STDERR = 2;

const version = readVersion();
const parsed = parseCommandLine(process.argv.slice(2), process.env, version);
if (parsed.kind === "print") {
  process.stdout.write(parsed.text);
} else if (parsed.kind === "usage") {
  process.stderr.write(parsed.text);
  process.exitCode = 2;
} else {
  const { config } = parsed;
  const log = createLogger({ format: config.logFormat, level: config.logLevel, fd: STDERR });
  process.on("exit", () => log.flush());
  exitOnDefects(log);
  ignoreInspectorSignal(log);
  if (!keepMemoryOutOfCoreDumps()) log.debug({}, "core dumps of this process may hold its memory");
  try {
    await run(config, log);
  } catch (thrown) {
    const isExpected = thrown instanceof VaultProxyError;
    log.error(isExpected ? {} : describeThrown(thrown), isExpected ? thrown.message : "cannot start");
    process.exit(1);
  }
}

async function run(config: ServerConfig, log: Logger): Promise<void> {
  // What only prints is done before this is loaded.
  const { createServer } = await import("./create-server.js");
  const server = await createServer(config, version, log);
  stopOnSignals(server, log);
  try {
    const { workers, listener } = server;
    const scheme = config.tls === undefined ? "http" : "https";
    const address = await listen(workers?.door ?? listener, config.listen, scheme);
    await workers?.start();
    log.info({ data_dir: config.dataDir, version }, `listening on ${address}`);
    const found = await readStartPassword(config, log);
    if (found === undefined) {
      log.info({}, "the vault is locked: unlock it with `vault-cli unlock`");
      return;
    }
    await server.unlockAtStart(found.password);
    log.info({}, `unlocked with ${found.source}`);
  } catch (thrown) {
    await server.close();
    throw thrown;
  }
}
