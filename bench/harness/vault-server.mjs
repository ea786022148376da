/** The built vault-server, as a process of its own, with a vault that is unlocked. */
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../../packages/server/dist/main.js", import.meta.url));

export const PASSWORD = "a password for the bench";

/**
 * @typedef {object} VaultServer
 * @property {number} pid
 * @property {string} address `http://127.0.0.1:1234`
 * @property {(method: string, path: string, body?: unknown, as?: string) => Promise<unknown>} call With the admin token, unless
 *   another is given. Rejects for every answer but 2xx.
 * @property {(settings?: object) => Promise<string>} makeToken For proxied calls.
 * @property {() => Promise<void>} watch Begins to watch the event loop and the garbage collection.
 * @property {() => Promise<Watched>} watched What came of it.
 * @property {() => Promise<NodeJS.MemoryUsage & { resources: Record<string, number> }>} held Memory, sockets and timers, after
 *   a collection where the server has `--expose-gc`.
 * @property {(question: object) => Promise<unknown>} ask Of what else was loaded into it by `nodeFlags`.
 * @property {() => string} log All that the server has written.
 * @property {() => Promise<void>} stop
 *
 * @typedef {{ loopDelayP50Ms: number, loopDelayP99Ms: number, loopDelayMaxMs: number, collectingShare: number }} Watched
 */

/**
 * @typedef {object} VaultOptions
 * @property {readonly string[]} [flags]
 * @property {Readonly<Record<string, string>>} [env]
 * @property {readonly string[]} [nodeFlags]
 * @property {string} [program] Another than the built one.
 * @property {boolean} [isBare] Without the probe, which takes time to load, and memory: it cannot be watched.
 *
 * @param {import("./processes.mjs").Processes} processes
 * @param {string} dataDir
 * @param {VaultOptions} [options]
 * @returns {Promise<VaultServer>}
 */
export async function startVault(processes, dataDir, options = {}) {
  const vault = await startLocked(processes, dataDir, options);
  await vault.unlock();
  return vault;
}

/**
 * @param {import("./processes.mjs").Processes} processes
 * @param {string} dataDir
 * @param {VaultOptions} [options]
 * @returns {Promise<VaultServer & { unlock: () => Promise<void> }>} `unlock` makes the vault, the first time.
 */
export async function startLocked(
  processes,
  dataDir,
  { flags = [], env = {}, isBare = false, nodeFlags = [], program = PROGRAM } = {},
) {
  const args = [...nodeFlags, program, "--data-dir", dataDir, "--listen", "127.0.0.1:0", ...flags];
  const options = { env, ready: /listening on (\S+)/ };
  const server = await (isBare
    ? processes.start(process.execPath, args, options)
    : processes.startNode(args, options));
  let admin = "";
  /** @type {VaultServer["call"]} */
  const call = async (method, path, body, as = admin) => {
    const answer = await fetch(server.said + path, {
      method,
      headers: {
        "Content-Type": "application/json",
        ...(as === "" ? {} : { Authorization: `Bearer ${as}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${String(answer.status)} ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  };
  return {
    pid: server.pid,
    address: server.said,
    call,
    async unlock() {
      admin = idOf(await call("POST", "/auth/unlock", { password: PASSWORD }, ""));
    },
    makeToken: async (settings = {}) =>
      idOf(await call("POST", "/tokens", { scope: "proxy", ttl: "2h", ...settings })),
    watch: async () => void (await server.ask({ probe: "watch" })),
    watched: async () => /** @type {Watched} */ (await server.ask({ probe: "watched" })),
    held: async () =>
      /** @type {Awaited<ReturnType<VaultServer["held"]>>} */ (await server.ask({ probe: "held" })),
    ask: server.ask,
    log: server.output,
    stop: () => server.stop(),
  };
}

/** @param {unknown} token As the vault gives a new one. */
function idOf(token) {
  return /** @type {{ id: string }} */ (token).id;
}

/**
 * @param {string} name
 * @param {string} origin
 * @param {object} [auth]
 */
export function serviceAt(name, origin, auth = { type: "bearer", token: secretOf(name) }) {
  return { name, base_url: origin, allow_private: true, auth };
}

/** Each service has another.
 * @param {string} name
 */
export function secretOf(name) {
  return `key-of-${name}-0123456789abcdef`;
}
