/**
 * `node bench/soak.mjs [minutes] [lanes]`: many mixed streams through a built server for a long time, and what it holds
 * meanwhile: memory, sockets and timers. Everything runs on loopback; the upstream and the server are processes of
 * their own. Ends with exit code 1 when something was left behind or grew.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer, request as httpRequest, Agent } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { createProcesses } from "./harness/processes.mjs";
import { serviceAt, startVault } from "./harness/vault-server.mjs";

const require = createRequire(new URL("../package.json", import.meta.url));
const { WebSocket, WebSocketServer } = require("ws");

const MINUTES = Number(process.argv[2] ?? 30);
const LANES = Number(process.argv[3] ?? 500);
const SAMPLE_MS = 30_000;
const SETTLE_MS = 80_000;
const SECRET = "soak-S3cret-0123456789-abcdefghij";

function serveUpstream() {
  const big = Buffer.from(
    JSON.stringify(Array.from({ length: 2000 }, (_, id) => ({ id, text: "x".repeat(500) }))),
  );
  const zipped = gzipSync(big);
  const server = createServer((request, response) => {
    const kind = request.url.slice(1).split("?")[0];
    const json = { "content-type": "application/json" };
    if (kind === "json") {
      response.writeHead(200, json).end(JSON.stringify({ you: request.headers.authorization, ok: true }));
    } else if (kind === "big") {
      response.writeHead(200, json).end(big);
    } else if (kind === "gzip") {
      response.writeHead(200, { ...json, "content-encoding": "gzip" }).end(zipped);
    } else if (kind === "upload") {
      let bytes = 0;
      request.on("data", (chunk) => (bytes += chunk.length)).on("end", () => response.end(String(bytes)));
    } else if (kind === "sse") {
      response.writeHead(200, { "content-type": "text/event-stream" });
      let count = 0;
      const timer = setInterval(() => {
        count += 1;
        response.write(`data: ${count} ${count % 5 === 0 ? request.headers.authorization : "s"}\n\n`);
        if (count === 40) response.end();
      }, 500);
      response.on("close", () => clearInterval(timer));
    } else if (kind === "broken") {
      response.writeHead(200, { "content-length": "100000" }).write("short", () => response.destroy());
    } else if (kind === "close") {
      response.writeHead(200, { connection: "close" }).end("bye");
    } else {
      setTimeout(() => response.end("late"), 3000);
    }
  });
  server.keepAliveTimeout = 2_000;
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) =>
    socket.on("message", (data) => socket.send(data)).on("error", () => undefined),
  );
  server.listen(0, "127.0.0.1", () => {
    process.stdout.write(`listening on http://127.0.0.1:${server.address().port}\n`);
  });
}

async function soak() {
  const dataDir = mkdtempSync(path.join(tmpdir(), "vault-proxy-soak-"));
  const processes = createProcesses();
  process.on("exit", () => processes.killAll());
  try {
    const self = fileURLToPath(import.meta.url);
    const upstream = await processes.startNode([self, "upstream"], { ready: /listening on (\S+)/ });
    const server = await startVault(processes, path.join(dataDir, "vault"), {
      nodeFlags: ["--expose-gc"],
    });
    const auth = { type: "bearer", token: SECRET };
    await server.call("POST", "/services", serviceAt("soak", upstream.said, auth));
    const token = await server.makeToken({ ttl: "24h" });
    const port = Number(new URL(server.address).port);

    const probe = async () => {
      const held = await server.held();
      return { ...held, descriptors: readdirSync(`/proc/${server.pid}/fd`).length };
    };
    const counts = {};
    const count = (what) => (counts[what] = (counts[what] ?? 0) + 1);
    const until = performance.now() + MINUTES * 60_000;
    await server.call("GET", "/proxy/soak/json", undefined, token);
    const before = await probe();
    const lanes = Array.from({ length: LANES }, () => lane({ port, token, until, count }));
    const samples = [];
    const sampler = setInterval(
      () => void probe().then((held) => samples.push(show(held, counts))),
      SAMPLE_MS,
    );
    await Promise.all(lanes);
    clearInterval(sampler);
    console.log("all streams have ended; waiting for kept-alive connections");
    await sleep(SETTLE_MS);
    const after = await probe();
    console.log("before:", summary(before), "\nafter: ", summary(after));
    return judge({ before, after, samples, counts, log: errorsOf(server.log()) });
  } finally {
    await processes.stopAll();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

function judge({ before, after, samples, counts, log }) {
  const faults = [];
  const sockets = (held) => (held.resources.TCPSocketWrap ?? 0) + (held.resources.TCPWRAP ?? 0);
  const timers = (held) => held.resources.Timeout ?? 0;
  if (sockets(after) > sockets(before) + 2)
    faults.push(`${sockets(after) - sockets(before)} sockets were left`);
  if (timers(after) > timers(before) + 5) faults.push(`${timers(after) - timers(before)} timers were left`);
  // The first third warms up; after it, the heap must not climb.
  const settled = samples.slice(Math.floor(samples.length / 3));
  const half = Math.floor(settled.length / 2);
  const mean = (list) =>
    list.reduce((sum, { heapUsed, external }) => sum + heapUsed + external, 0) / (list.length || 1);
  const growth = mean(settled.slice(half)) - mean(settled.slice(0, half));
  console.log(`heap and buffers, mean of the last third less that of the second: ${mib(growth)} MiB`);
  if (growth > 8 * 1024 * 1024) faults.push(`memory grew by ${mib(growth)} MiB`);
  if (log.trim() !== "") faults.push(`the log has errors:\n${log.slice(0, 2000)}`);
  for (const kind of ["unexpected", "leak"])
    if (counts[kind] > 0) faults.push(`${counts[kind]} times ${kind}`);
  console.log(faults.length === 0 ? `passed: ${JSON.stringify(counts)}` : `FAILED: ${faults.join("; ")}`);
  return faults.length === 0 ? 0 : 1;
}

function errorsOf(log) {
  return log
    .split("\n")
    .filter((line) => /^\S+ ERROR /.test(line))
    .join("\n");
}

function show(held, counts) {
  console.log(new Date().toISOString(), summary(held), JSON.stringify(counts));
  return held;
}

function summary({ rss, heapUsed, external, descriptors, resources }) {
  const timers = resources.Timeout ?? 0;
  return `rss ${mib(rss)} MiB, heap ${mib(heapUsed)}, external ${mib(external)}, ${descriptors} descriptors, ${timers} timers`;
}

async function lane({ port, token, until, count }) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const kinds = [
    "json",
    "json",
    "sse",
    "sse",
    "sse",
    "big",
    "gzip",
    "upload",
    "slow",
    "ws",
    "abort",
    "broken",
    "close",
    "slowReader",
  ];
  while (performance.now() < until) {
    const kind = kinds[randomBytes(1)[0] % kinds.length];
    try {
      await RUN[kind]({ port, token, agent, count });
      count(kind);
    } catch (error) {
      count(kind === "broken" ? "broken" : "unexpected");
      if (kind !== "broken") console.error(kind, String(error));
    }
    await sleep(200 + (randomBytes(1)[0] * 1000) / 256);
  }
  agent.destroy();
}

const target = (kind) => `/proxy/soak/${kind}`;
const RUN = {
  json: (context) => plain(context, "GET", "json"),
  big: (context) => plain(context, "GET", "big"),
  gzip: (context) => plain(context, "GET", "gzip"),
  slow: (context) => plain(context, "GET", "slow"),
  sse: (context) => plain(context, "GET", "sse"),
  close: (context) => plain(context, "GET", "close"),
  broken: (context) => plain(context, "GET", "broken"),
  upload: (context) => plain(context, "POST", "upload", randomBytes(256 * 1024)),
  async slowReader({ port, token, agent }) {
    const response = await open(port, "GET", target("big"), { token, agent });
    for await (const chunk of response) await sleep(chunk.length / 2000);
  },
  async abort({ port, token }) {
    const response = await open(port, "GET", target("sse"), { token });
    await sleep(1000);
    response.destroy();
  },
  ws({ port, token }) {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}${target("chat")}`, {
        headers: { authorization: `Bearer ${token}` },
      });
      let messages = 0;
      let timer;
      socket.on("open", () => {
        timer = setInterval(() => socket.send("hello"), 500);
        socket.send("hello");
      });
      socket.on("message", () => {
        messages += 1;
        if (messages < 10) return;
        clearInterval(timer);
        socket.close();
      });
      socket.on("close", () => {
        clearInterval(timer);
        if (messages >= 10) resolve();
        else reject(new Error(`closed after ${messages} messages`));
      });
      socket.on("error", reject);
    });
  },
};

async function plain({ port, token, agent, count }, method, kind, body) {
  const response = await open(port, method, target(kind), { token, agent, body });
  if (response.statusCode !== 200) count("unexpected");
  let tail = "";
  for await (const chunk of response) {
    tail = (tail + chunk.toString("latin1")).slice(-100_000);
    if (tail.includes(SECRET)) count("leak");
    tail = tail.slice(-SECRET.length);
  }
}

function open(port, method, path_, { token, agent, body, type = "application/octet-stream" }) {
  return new Promise((resolve, reject) => {
    const headers = {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { "content-type": type, "content-length": body.length }),
    };
    httpRequest({ host: "127.0.0.1", port, method, path: path_, headers, agent }, resolve)
      .on("error", reject)
      .end(body);
  });
}

function sleep(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function mib(bytes) {
  return (bytes / 1024 / 1024).toFixed(1);
}

if (process.argv[2] === "upstream") serveUpstream();
else process.exitCode = await soak();
