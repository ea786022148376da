#!/usr/bin/env node
import { parseCommandLine } from "./config/command-line.js";
import { createServer } from "./create-server.js";
import { VaultProxyError } from "./errors/vault-proxy-error.js";
import { listen } from "./listen.js";
import { readPasswordFile } from "./password-file.js";
import { createLogger, describeThrown } from "./redaction/logger.js";
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
  try {
    const server = await createServer(config, version, log);
    stopOnSignals(server, log);
    const address = await listen(server.listener, config.listen, config.tls === undefined ? "http" : "https");
    log.info({ address, data_dir: config.dataDir, version }, `listening on ${address}`);
    if (config.passwordFile !== undefined) {
      await server.vault.unlock(await readPasswordFile(config.passwordFile, log), "password-file");
      log.info({}, "unlocked with the password file");
    }
  } catch (thrown) {
    const reason = thrown instanceof VaultProxyError ? thrown.message : "cannot start";
    log.error(thrown instanceof VaultProxyError ? {} : describeThrown(thrown), reason);
    process.exit(1);
  }
}
