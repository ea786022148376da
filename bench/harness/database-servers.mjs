/** PostgreSQL and Redis of Debian, on loopback ports of their own. */
import { execFile } from "node:child_process";
import { chownSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort, until } from "./free-port.mjs";
import { PASSWORD } from "./vault-server.mjs";

const run = promisify(execFile);
const FOLDER = "/usr/lib/postgresql";

/**
 * @param {import("./bench.mjs").Bench} bench
 * @returns {Promise<number>} Its port. User `bench`, database `postgres`.
 */
export async function startPostgres(bench) {
  const versions = await readdir(FOLDER);
  const program = (/** @type {string} */ name) => join(FOLDER, versions.toSorted().at(-1) ?? "", "bin", name);
  const directory = bench.newPath("postgres");
  await mkdir(directory);
  const secret = join(directory, "password");
  await writeFile(secret, PASSWORD);
  // It refuses to run as root.
  const as = process.getuid?.() === 0 ? await idsOf("postgres") : undefined;
  if (as !== undefined) {
    bench.letIn();
    for (const path of [directory, secret]) chownSync(path, as.uid, as.gid);
  }
  const data = join(directory, "data");
  const initial = ["-D", data, "-U", "bench", "-A", "scram-sha-256", "--pwfile", secret, "-N"];
  await run(program("initdb"), initial, { ...as, cwd: directory });
  const port = await freePort();
  const args = ["-D", data, "-p", String(port), "-h", "127.0.0.1", "-k", "", "-c", "fsync=off"];
  await bench.processes.start(program("postgres"), args, { ...(as && { as }), cwd: directory });
  const env = libpqEnvironment(port);
  await until(() => run("psql", ["-Atc", "select 1"], { env }).then(() => true), "postgres");
  return port;
}

/**
 * @param {number} port Of the server, or of a session.
 * @returns {NodeJS.ProcessEnv}
 */
export function libpqEnvironment(port) {
  return {
    ...{ PATH: process.env["PATH"], PGHOST: "127.0.0.1", PGPORT: String(port), PGUSER: "bench" },
    ...{ PGPASSWORD: PASSWORD, PGDATABASE: "postgres", PGSSLMODE: "disable" },
  };
}

/** @param {number} port */
export function postgresService(port) {
  return {
    name: "pg",
    allow_private: true,
    auth: {
      type: "postgres",
      ...{ postgres_host: "127.0.0.1", postgres_port: port, postgres_user: "bench" },
      ...{ postgres_password: PASSWORD, postgres_db: "postgres", postgres_tls: "disable" },
    },
  };
}

/**
 * @param {import("./bench.mjs").Bench} bench
 * @returns {Promise<number>} Its port.
 */
export async function startRedis(bench) {
  const port = await freePort();
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--requirepass", PASSWORD, "--save", ""];
  await bench.processes.start("redis-server", args, { ready: /Ready to accept connections/ });
  return port;
}

/**
 * @param {string} name
 * @param {number} port
 */
export function redisService(name, port) {
  const auth = { type: "redis", redis_host: "127.0.0.1", redis_port: port, redis_password: PASSWORD };
  return { name, allow_private: true, auth };
}

/**
 * @param {import("./vault-server.mjs").VaultServer} vault
 * @param {string} path `/postgres/pg`
 * @param {number} connections
 * @returns {Promise<number>} The port of a new session.
 */
export async function openSession(vault, path, connections) {
  const timeout = connections === 1 ? 60 : 3600;
  const settings = { max_connections: connections };
  const opened = await vault.call("POST", `${path}/session?timeout=${String(timeout)}`, settings);
  const session = /** @type {{ addr: string }} */ (opened);
  return Number(session.addr.split(":")[1]);
}

/** @param {string} user */
async function idsOf(user) {
  const id = async (/** @type {string} */ flag) => Number((await run("id", [flag, user])).stdout);
  return { uid: await id("-u"), gid: await id("-g") };
}
