/**
 * What a policy of 50 rules and the audit log cost: processor time of the server a proxied call, all its threads, from
 * proc_pid_stat(5). Needs a build and wrk: `node bench/policy-audit.mjs [--quick] [--json]`, 2 minutes, or half of one.
 *
 * Each variant has a server of its own, so that each runs code that was compiled for it. They take turns, so that
 * whatever else the machine does hits all alike. A ratio is the median of those within a turn; beside it stands that of the
 * least costs, which other work can only raise.
 */
import { execFile, execFileSync, fork, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const SERVER = fileURLToPath(new URL("../packages/server/dist/main.js", import.meta.url));
const PASSWORD = "a password for the benchmark";
const CONNECTIONS = 32;
const WARM_UP_CALLS = 12_000;
/** Longer than a batch of the audit log waits: its writing is counted with the calls that it records. */
const LAST_BATCH_MS = 150;
const TICKS_PER_SECOND = Number(execFileSync("getconf", ["CLK_TCK"]).toString());
const CALLED_PATH = "/repos/acme/widgets/issues/1234/comments";
const OTHER_SERVICES = ["billing", "chat", "search", "wiki", "deploy"];

const isQuick = process.argv.includes("--quick");
const { rounds, seconds } = isQuick ? { rounds: 4, seconds: 1 } : { rounds: 14, seconds: 1 };

const VARIANTS = {
  A: { title: "neither", audit: "off" },
  B: { title: "50 rules and audit", audit: "on", policy: { rules: fiftyRules() } },
  C: { title: "50 rules", audit: "off", policy: { rules: fiftyRules() } },
  D: { title: "audit", audit: "on" },
  E: {
    title: "50 rules with limits, and audit",
    audit: "on",
    policy: {
      rules: fiftyRules(),
      limits: { requests_per_minute: 60_000, max_concurrent: 1000, max_uses: 1e9, bytes_per_day: "1TB" },
    },
  },
};

if (process.argv[2] === "upstream") serveUpstream();
else await measure();

/** Most are for the service that is called, several paths each; only the last allows the call. */
function fiftyRules() {
  const resources = ["pulls", "commits", "branches", "releases", "labels", "milestones", "hooks"];
  const rules = Array.from({ length: 49 }, (_, index) => {
    const name = `${resources[index % resources.length]}-${index}`;
    return {
      service: index % 5 < 3 ? "api" : [OTHER_SERVICES[index % OTHER_SERVICES.length], "status"],
      methods: index % 3 === 0 ? ["POST", "PATCH"] : ["GET", "HEAD"],
      paths: [`/repos/acme/*/${name}/**`, `/repos/acme/widgets/${name}`, `/orgs/acme/${name}-*/members`],
    };
  });
  return [...rules, { service: "api", methods: ["GET"], paths: ["/user", "/repos/acme/*/issues/**"] }];
}

async function measure() {
  const directory = await mkdtemp(join(tmpdir(), "vault-proxy-bench-"));
  const children = [];
  try {
    const upstream = fork(fileURLToPath(import.meta.url), ["upstream"]);
    children.push(upstream);
    const port = await new Promise((resolve) => upstream.once("message", resolve));
    const servers = new Map();
    for (const [name, { audit, policy }] of Object.entries(VARIANTS)) {
      const server = await startVault(join(directory, name), audit, children);
      await server.call("POST", "/services", {
        name: "api",
        base_url: `http://127.0.0.1:${port}`,
        allow_private: true,
        auth: { type: "bearer", token: "key-of-the-benchmark-0123456789" },
      });
      servers.set(name, { ...server, policy });
    }
    for (const server of servers.values()) await warmUp(server);
    const costs = Object.fromEntries(Object.keys(VARIANTS).map((name) => [name, []]));
    for (let round = 0; round < rounds; round += 1) {
      for (const [name, server] of servers) {
        const { calls, microseconds } = await load(server);
        costs[name].push(microseconds / calls);
      }
    }
    report(costs);
  } finally {
    for (const child of children.reverse()) {
      child.kill("SIGTERM");
      if (child.exitCode === null) await new Promise((resolve) => child.once("exit", resolve));
    }
    await rm(directory, { recursive: true, force: true });
  }
}

/** Until its code is compiled, which takes processor time as well; a busy machine gets no further in 8 seconds. */
async function warmUp(server) {
  const until = performance.now() + 8000;
  for (let calls = 0; calls < WARM_UP_CALLS && performance.now() < until;)
    calls += (await load(server)).calls;
}

/** A new token each time, whose calls of the last minute do not count. */
async function load({ address, pid, call, policy }) {
  const { id } = await call("POST", "/tokens", { scope: "proxy", ttl: "1h", ...(policy && { policy }) });
  const before = processorMicroseconds(pid);
  const { stdout } = await run("wrk", [
    ...["-t1", `-c${CONNECTIONS}`, `-d${seconds}s`, "-H", `Authorization: Bearer ${id}`],
    `${address}/proxy/api${CALLED_PATH}`,
  ]);
  await delay(LAST_BATCH_MS);
  const microseconds = processorMicroseconds(pid) - before;
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(stdout);
  return { calls: Number(/(\d+) requests in/.exec(stdout)?.[1]), microseconds };
}

function processorMicroseconds(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1e6) / TICKS_PER_SECOND;
}

function report(costs) {
  const rows = Object.entries(VARIANTS).map(([name, { title }]) => ({
    variant: name,
    title,
    microseconds: Number(median(costs[name]).toFixed(1)),
    ratio: Number(median(costs[name].map((cost, turn) => cost / costs.A[turn])).toFixed(3)),
    least: Number((Math.min(...costs[name]) / Math.min(...costs.A)).toFixed(3)),
  }));
  if (process.argv.includes("--json")) {
    const machine = { node: process.version, cores: cpus().length, date: new Date().toISOString() };
    console.log(JSON.stringify({ ...machine, rounds, seconds, connections: CONNECTIONS, rows }, null, 2));
    return;
  }
  for (const { variant, title, microseconds, ratio, least } of rows) {
    console.log(
      `${variant} ${title}: ${microseconds} µs of processor time a call, ratio ${ratio}, of the least ${least}`,
    );
  }
}

function median(values) {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)];
}

function serveUpstream() {
  const body = JSON.stringify({ id: 1234, title: "An issue", state: "open", comments: [1, 2, 3] });
  const server = createServer((_request, response) => {
    response.writeHead(200, { "Content-Type": "application/json", "Content-Length": body.length }).end(body);
  });
  server.listen(0, "127.0.0.1", () => process.send(server.address().port));
}

async function startVault(directory, audit, children) {
  const child = spawn(
    process.execPath,
    [SERVER, "--data-dir", directory, "--listen", "127.0.0.1:0", "--audit", audit],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  children.push(child);
  const address = await new Promise((resolve, reject) => {
    let text = "";
    child.once("exit", () => reject(new Error(text)));
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
  return { address, pid: child.pid, call };
}
