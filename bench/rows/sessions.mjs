import { execFile } from "node:child_process";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import {
  libpqEnvironment,
  openSession,
  postgresService,
  redisService,
  startPostgres,
  startRedis,
} from "../harness/database-servers.mjs";
import { processorMicroseconds } from "../harness/process-costs.mjs";
import { median, medianRatio } from "../harness/statistics.mjs";
import { takeTurns } from "../harness/turns.mjs";
import { PASSWORD, startVault } from "../harness/vault-server.mjs";

const run = promisify(execFile);
const FLOOD = fileURLToPath(new URL("../programs/flood.mjs", import.meta.url));
const PIPE = fileURLToPath(new URL("../programs/bare-pipe.mjs", import.meta.url));

/**
 * @typedef {object} Work
 * @property {string} title
 * @property {string} unit
 * @property {readonly number[]} ports Of the server, of a session, and, but in a quick run, of a bare relay.
 * @property {(port: number) => Promise<number>} rate
 * @property {Pick<import("../harness/row.mjs").Target, "limit" | "unit">} [target] `×` is of the direct rate.
 */

/** @type {import("../harness/row.mjs").Row} */
export default {
  name: "sessions",
  title: "PostgreSQL, Redis and bare bytes through sessions, against direct",
  packages: ["postgresql", "postgresql-client", "redis-server", "redis-tools"],
  async measure(bench) {
    const [turns, seconds, scale] = bench.isQuick ? [1, 1, 1] : [3, 3, 5];
    const vault = await startVault(bench.processes, bench.newPath("vault"));
    const [postgres, redis] = [await startPostgres(bench), await startRedis(bench)];
    const flood = Number((await bench.processes.startNode([FLOOD], { ready: /listening on (\d+)/ })).said);
    await vault.call("POST", "/services", postgresService(postgres));
    await vault.call("POST", "/services", redisService("cache", redis));
    await vault.call("POST", "/services", redisService("flood", flood));
    const tables = ["-i", "-s", String(scale), "-q"];
    await run("pgbench", tables, { env: libpqEnvironment(postgres) });

    const relayTo = async (/** @type {number} */ port) =>
      Number((await bench.processes.startNode([PIPE, String(port)], { ready: /listening on (\d+)/ })).said);
    const portsOf = async (
      /** @type {number} */ port,
      /** @type {string} */ path,
      /** @type {number} */ clients,
    ) => [
      ...[port, await openSession(vault, path, clients)],
      ...(bench.isQuick ? [] : [await relayTo(port)]),
    ];
    const cachePorts = await portsOf(redis, "/redis/cache", 200);
    /** @type {Work[]} */
    const works = [
      {
        title: "pgbench -S, 8 clients",
        unit: "transactions a second",
        ports: await portsOf(postgres, "/postgres/pg", 16),
        rate: (port) => transactions(port, seconds),
        target: { limit: 0.8, unit: "×" },
      },
      {
        title: "redis-benchmark GET -P 16, 50 clients",
        unit: "requests a second",
        ports: cachePorts,
        rate: (port) => requests(port, 16, seconds * 400_000),
        target: { limit: 0.6, unit: "×" },
      },
      {
        title: "redis-benchmark GET -P 1, 50 clients",
        unit: "requests a second",
        ports: cachePorts,
        rate: (port) => requests(port, 1, seconds * 40_000),
      },
      {
        title: "one connection of bare bytes",
        unit: "MB a second",
        ports: await portsOf(flood, "/redis/flood", 2),
        rate: (port) => throughput(port, seconds),
        target: { limit: 1000, unit: "MB/s" },
      },
    ];
    /** @type {import("../harness/row.mjs").Line[]} */
    const lines = [];
    /** @type {import("../harness/row.mjs").Target[]} */
    const targets = [];
    for (const { title, unit, ports, rate, target } of works) {
      let microseconds = 0;
      const samples = await takeTurns([...ports.keys()], turns, async (side) => {
        const spent = processorMicroseconds(vault.pid);
        const got = await rate(ports[side] ?? 0);
        if (side === 1) microseconds += processorMicroseconds(vault.pid) - spent;
        return got;
      });
      const [direct = [], session = [], relay = []] = samples.values();
      const ratio = medianRatio(session, direct);
      lines.push({
        "": title,
        unit,
        direct: Math.round(median(direct)),
        session: Math.round(median(session)),
        ratio,
        ...(relay.length > 0 && {
          "bare relay": Math.round(median(relay)),
          "its ratio": medianRatio(relay, direct),
        }),
        "processor s of the vault a turn": microseconds / turns / 1e6,
      });
      if (target === undefined) continue;
      const isRatio = target.unit === "×";
      targets.push({
        ...target,
        what: isRatio ? `${title}, × direct` : title,
        comparison: "at least",
        measured: isRatio ? ratio : median(session),
      });
    }
    return {
      settings: `${String(turns)} turns of about ${String(seconds)} s; server, client and vault share the cores${bench.isQuick ? "" : "; the bare relay is Node's `pipe`, both ways"}`,
      lines,
      targets,
    };
  },
};

/**
 * @param {number} port
 * @param {number} seconds
 */
async function transactions(port, seconds) {
  const args = ["-S", "-n", "-c", "8", "-j", "2", "-T", String(seconds), "-M", "prepared"];
  const { stdout } = await run("pgbench", args, { env: libpqEnvironment(port) });
  return Number(/tps = ([\d.]+)/.exec(stdout)?.[1]);
}

/**
 * @param {number} port
 * @param {number} depth How many commands are sent before the first answer is awaited.
 * @param {number} count
 */
async function requests(port, depth, count) {
  const server = ["-h", "127.0.0.1", "-p", String(port), "-a", PASSWORD];
  const work = ["-t", "get", "-P", String(depth), "-c", "50", "-n", String(count), "--csv"];
  const { stdout } = await run("redis-benchmark", [...server, ...work]);
  return Number(/"GET","([\d.]+)"/.exec(stdout)?.[1]);
}

/**
 * What one connection brings of all that the far end can send, in MB a second.
 *
 * @param {number} port
 * @param {number} seconds
 */
async function throughput(port, seconds) {
  let received = 0;
  const socket = connect({
    port,
    host: "127.0.0.1",
    onread: {
      buffer: Buffer.allocUnsafe(1024 * 1024),
      callback(length) {
        received += length;
        return true;
      },
    },
  });
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  socket.write("FLOOD\r\n");
  await delay(300);
  const [began, before] = [performance.now(), received];
  await delay(seconds * 1000);
  const rate = (received - before) / 1e6 / ((performance.now() - began) / 1000);
  socket.destroy();
  return rate;
}
