/**
 * What a session costs against a direct connection: `node bench/sessions.mjs` (needs a build, and root, since
 * PostgreSQL refuses to run as root and is run as its own user). Direct and through a session in turn, on loopback.
 *
 * - pgbench -S with 8 clients, transactions a second
 * - redis-benchmark GET with 50 clients, pipelines of 16 and of 1, requests a second
 * - bytes a second of one connection that is only passed on
 * - from nothing to the first row: psql against (POST …/session + psql)
 */
import { execFile, fork, spawn } from "node:child_process";
import { chownSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const ROUNDS = Number(process.argv[2] ?? 3);
const SECONDS = 4;
const SERVER = fileURLToPath(new URL("../packages/server/dist/main.js", import.meta.url));
const PASSWORD = "a password for the benchmark";
const children = [];
if (process.argv[2] === "source") serveSource();
else await measure();

async function measure() {
  const directory = await mkdtemp(join(tmpdir(), "vault-proxy-bench-"));
  try {
    const postgres = await startPostgres(directory);
    const redis = await startRedis();
    const vault = await startVault(directory);
    await vault.call("POST", "/services", {
      name: "pg",
      allow_private: true,
      auth: {
        type: "postgres",
        postgres_host: "127.0.0.1",
        postgres_port: postgres,
        postgres_user: "bench",
        postgres_password: PASSWORD,
        postgres_db: "postgres",
        postgres_tls: "disable",
      },
    });
    await vault.call("POST", "/services", {
      name: "cache",
      allow_private: true,
      auth: { type: "redis", redis_host: "127.0.0.1", redis_port: redis, redis_password: PASSWORD },
    });
    const open = async (path, max) => {
      const session = await vault.call("POST", `${path}/session?timeout=${max === 1 ? 60 : 3600}`, {
        max_connections: max,
      });
      return Number(session.addr.split(":")[1]);
    };

    const pg = await open("/postgres/pg", 16);
    await pgbench(postgres, ["-i", "-s", "5", "-q"]);
    await compare("pgbench -S, 8 clients: transactions a second", [
      () => transactions(postgres),
      () => transactions(pg),
    ]);
    const cache = await open("/redis/cache", 200);
    for (const depth of [16, 1]) {
      await compare(`redis-benchmark GET -P ${depth}, 50 clients: requests a second`, [
        () => requests(redis, depth),
        () => requests(cache, depth),
      ]);
    }
    const source = await startSource();
    await vault.call("POST", "/services", {
      name: "source",
      allow_private: true,
      auth: { type: "redis", redis_host: "127.0.0.1", redis_port: source, redis_password: PASSWORD },
    });
    const flood = await open("/redis/source", 2);
    await compare("one connection that is passed on: MB a second", [
      () => throughput(source),
      () => throughput(flood),
    ]);
    await compare(
      "from nothing to the first row: ms",
      [() => firstRow(async () => postgres), () => firstRow(() => open("/postgres/pg", 1))],
      10,
    );
  } finally {
    for (const child of children.reverse()) {
      child.kill("SIGTERM");
      await new Promise((resolve) => (child.exitCode === null ? child.once("exit", resolve) : resolve()));
    }
    await rm(directory, { recursive: true, force: true });
  }
}

async function compare(name, [direct, through], turns = ROUNDS) {
  const results = [[], []];
  for (let turn = 0; turn < turns; turn += 1) {
    results[0].push(await direct());
    results[1].push(await through());
  }
  const [alone, session] = results.map(median);
  const figure = (value) => (value >= 100 ? Math.round(value) : value.toFixed(1));
  console.log(
    `${name}: direct ${figure(alone)}, session ${figure(session)}, ratio ${(session / alone).toFixed(2)}, difference ${figure(session - alone)}`,
  );
}

function median(values) {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)];
}

function libpq(port) {
  return {
    ...process.env,
    ...{ PGHOST: "127.0.0.1", PGPORT: String(port), PGUSER: "bench", PGPASSWORD: PASSWORD },
    ...{ PGDATABASE: "postgres", PGSSLMODE: "disable" },
  };
}

async function pgbench(port, args) {
  const folder = await postgresPrograms();
  return (await run(join(folder, "pgbench"), args, { env: libpq(port) })).stdout;
}

async function transactions(port) {
  const text = await pgbench(port, [
    "-S",
    "-n",
    "-c",
    "8",
    "-j",
    "2",
    "-T",
    String(SECONDS),
    "-M",
    "prepared",
  ]);
  return Number(/tps = ([\d.]+)/.exec(text)?.[1]);
}

async function requests(port, depth) {
  const args = ["-h", "127.0.0.1", "-p", String(port), "-a", PASSWORD, "-t", "get", "-P", String(depth)];
  const count = depth === 1 ? 100_000 : 1_000_000;
  const { stdout } = await run("redis-benchmark", [...args, "-c", "50", "-n", String(count), "--csv"]);
  return Number(/"GET","([\d.]+)"/.exec(stdout)?.[1]);
}

/** What one connection brings in two seconds of all that the far end can send. */
async function throughput(port) {
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
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.write("FLOOD\r\n");
  await delay(500);
  const [begin, before] = [performance.now(), received];
  await delay(2000);
  const rate = (received - before) / 1e6 / ((performance.now() - begin) / 1000);
  socket.destroy();
  return rate;
}

async function firstRow(portOf) {
  const begin = performance.now();
  const port = await portOf();
  await run("psql", ["-Atc", "select 1"], { env: libpq(port) });
  return performance.now() - begin;
}

async function postgresPrograms() {
  const versions = await readdir("/usr/lib/postgresql");
  return join("/usr/lib/postgresql", versions.toSorted().at(-1) ?? "", "bin");
}

async function startPostgres(directory) {
  const folder = await postgresPrograms();
  const [uid, gid] = (
    await run("id", ["-u", "postgres"]).then(async ({ stdout }) => [
      stdout,
      (await run("id", ["-g", "postgres"])).stdout,
    ])
  ).map(Number);
  chownSync(directory, uid, gid);
  const data = join(directory, "pg");
  const secret = join(directory, "pg.password");
  await writeFile(secret, PASSWORD);
  chownSync(secret, uid, gid);
  const as = { uid, gid, cwd: "/" };
  await run(
    join(folder, "initdb"),
    ["-D", data, "-U", "bench", "-A", "scram-sha-256", "--pwfile", secret, "-N"],
    as,
  );
  const port = await freePort();
  const args = ["-D", data, "-p", String(port), "-h", "127.0.0.1", "-k", "", "-c", "fsync=off"];
  children.push(spawn(join(folder, "postgres"), args, { ...as, stdio: "ignore" }));
  await until(() => run("psql", ["-Atc", "select 1"], { env: libpq(port) }));
  return port;
}

async function startRedis() {
  const port = await freePort();
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--requirepass", PASSWORD, "--save", ""];
  children.push(spawn("redis-server", args, { stdio: "ignore" }));
  await until(() => run("redis-cli", ["-p", String(port), "ping"]));
  return port;
}

/** Takes any password as Redis does, and then sends all that it can. */
async function startSource() {
  const child = fork(fileURLToPath(import.meta.url), ["source"]);
  children.push(child);
  return new Promise((resolve) => child.once("message", resolve));
}

function serveSource() {
  const block = Buffer.alloc(256 * 1024);
  const server = createServer((socket) => {
    const send = () => {
      while (!socket.destroyed && socket.write(block));
    };
    socket
      .on("error", () => undefined)
      .on("data", (chunk) => {
        if (chunk.includes("AUTH")) socket.write("+OK\r\n");
        if (chunk.includes("FLOOD")) (socket.on("drain", send), send());
      });
  });
  server.listen(0, "127.0.0.1", () => process.send(server.address().port));
}

async function startVault(directory) {
  const child = spawn(
    process.execPath,
    [SERVER, "--data-dir", join(directory, "vault"), "--listen", "127.0.0.1:0"],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  children.push(child);
  const address = await new Promise((resolve) => {
    let text = "";
    child.stderr.on("data", (chunk) => {
      text += chunk;
      const found = /listening on (\S+)/.exec(text);
      if (found) resolve(found[1]);
    });
  });
  let token;
  const call = async (method, path, body) => {
    const headers = {
      "Content-Type": "application/json",
      ...(token && { Authorization: `Bearer ${token}` }),
    };
    const answer = await fetch(address + path, { method, headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  token = (await call("POST", "/auth/unlock", { password: PASSWORD })).id;
  return { call };
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function until(attempt) {
  for (let turn = 0; ; turn += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (turn > 100) throw error;
      await delay(100);
    }
  }
}
