/** The real `vault-server` and `vault-cli`, driven as processes, with everything they write in one directory. */
import { mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { CLI_MAIN, SERVER_MAIN } from "../scripts/workspace.mjs";
import { ScriptError } from "../scripts/run-process.mjs";

const START_TIMEOUT_MS = 20_000;

/** @typedef {ReturnType<typeof import("./child-processes.mjs").createChildProcesses>} ChildProcesses */

/**
 * Starts a vault-server on a free port of loopback.
 *
 * @param {ChildProcesses} processes
 * @param {string} directory An empty directory: the vault goes to `data/`, what the CLI keeps to `home/`.
 */
export async function startVault(processes, directory) {
  const dataDir = path.join(directory, "data");
  const home = path.join(directory, "home");
  mkdirSync(home, { mode: 0o700 });

  const server = processes.start(
    process.execPath,
    [
      SERVER_MAIN,
      "--listen",
      "127.0.0.1:0",
      "--data-dir",
      dataDir,
      "--log-format",
      "json",
      "--log-level",
      "debug",
    ],
    { HOME: home },
  );
  /** @type {string[]} */
  const log = [];
  server.stdout.setEncoding("utf8").on("data", (text) => log.push(text));
  const address = await new Promise((resolve, reject) => {
    const fail = () => reject(new ScriptError(`vault-server did not start:\n${log.join("\n")}`));
    const deadline = setTimeout(fail, START_TIMEOUT_MS);
    server.once("error", fail);
    server.once("close", fail);
    createInterface({ input: server.stderr }).on("line", (line) => {
      log.push(line);
      const listening = /"msg":"listening on (http[^"]+)"/.exec(line);
      if (listening === null) return;
      clearTimeout(deadline);
      resolve(listening[1]);
    });
  });

  return {
    /** @type {string} */
    address,
    dataDir,
    /** Everything that the server has printed. */
    log: () => log.join("\n"),
    /** The token that `vault-cli unlock` has left in its session file, for the owner alone. */
    adminToken() {
      const session = readFileSync(path.join(home, ".vault-proxy/session"), "utf8");
      const [token] = /tok_[A-Za-z0-9_-]{43}/.exec(session) ?? [];
      if (token === undefined) throw new ScriptError("vault-cli unlock left no token in its session file");
      return token;
    },
    /** @returns {Promise<number | null>} The exit status. */
    stop: () => processes.stop(server),
    /**
     * Runs vault-cli. Throws `ScriptError` when it fails.
     *
     * @param {string[]} args
     * @param {string} [input] Its standard input: secrets go here, never into the arguments.
     * @returns {Promise<string>} Its standard output.
     */
    async cli(args, input) {
      const env = { HOME: home, VAULT_ADDR: address };
      const ended = await processes.runToEnd(process.execPath, [CLI_MAIN, ...args], {
        env,
        ...(input === undefined ? {} : { input }),
      });
      if (ended.status !== 0) {
        throw new ScriptError(
          `vault-cli ${args.join(" ")} exited with ${String(ended.status)}:\n${ended.stderr}`,
        );
      }
      return ended.stdout;
    },
  };
}
