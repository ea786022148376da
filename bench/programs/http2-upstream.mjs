/**
 * What a small JSON answer costs this process over HTTP/1.1 and over HTTP/2, through undici as the data plane uses it. The
 * server runs in a process of its own, so that only the client's side is counted.
 */
import { fork } from "node:child_process";
import { createSecureServer } from "node:http2";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { median, medianRatio } from "../harness/statistics.mjs";

const REQUESTS = process.argv.includes("--quick") ? 8_000 : 40_000;
const WARM_UP = 5_000;
const AT_ONCE = 32;
const ROUNDS = 3;

if (process.argv[2] === "server") await serve();
else await measure();

async function serve() {
  const require = createRequire(new URL("../../package.json", import.meta.url));
  const { generate } = require("selfsigned");
  const { private: key, cert } = await generate([{ name: "commonName", value: "localhost" }]);
  const body = JSON.stringify({
    object: "list",
    data: Array.from({ length: 8 }, (_, id) => ({ id, name: "a model" })),
  });
  const server = createSecureServer({ key, cert, allowHTTP1: true }, (_request, response) => {
    response.setHeader("content-type", "application/json");
    response.end(body);
  });
  server.listen(0, "127.0.0.1", () => process.send?.(server.address().port));
}

async function measure() {
  const require = createRequire(new URL("../../packages/server/package.json", import.meta.url));
  const { Pool } = require("undici");
  const child = fork(fileURLToPath(import.meta.url), ["server"]);
  const port = await new Promise((resolve) => child.once("message", resolve));
  const costs = { "HTTP/1.1": [], "HTTP/2": [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, allowH2] of [
      ["HTTP/1.1", false],
      ["HTTP/2", true],
    ]) {
      const pool = new Pool(`https://localhost:${port}`, {
        allowH2,
        connections: allowH2 ? 1 : AT_ONCE,
        pipelining: allowH2 ? AT_ONCE : 1,
        connect: { rejectUnauthorized: false },
      });
      await run(pool, WARM_UP);
      const before = process.cpuUsage();
      const started = performance.now();
      await run(pool, REQUESTS);
      const { user, system } = process.cpuUsage(before);
      const seconds = (performance.now() - started) / 1000;
      costs[name].push({ cost: (user + system) / REQUESTS, perSecond: REQUESTS / seconds });
      await pool.close();
    }
  }
  const ofFirst = costs["HTTP/1.1"].map(({ cost }) => cost);
  const lines = Object.entries(costs).map(([name, own]) => ({
    "": name,
    "µs of processor time a request": median(own.map(({ cost }) => cost)),
    ratio: medianRatio(
      own.map(({ cost }) => cost),
      ofFirst,
    ),
    "requests a second": Math.round(median(own.map(({ perSecond }) => perSecond))),
  }));
  process.stdout.write(JSON.stringify(lines));
  child.kill();
}

function run(pool, count) {
  return new Promise((resolve, reject) => {
    let sent = 0;
    let done = 0;
    const next = () => {
      if (sent === count) return;
      sent += 1;
      pool.dispatch(
        { method: "GET", path: "/v1/models", headers: ["authorization", "Bearer sk"] },
        {
          onRequestStart() {},
          onResponseStart() {},
          onResponseData() {},
          onResponseEnd() {
            done += 1;
            if (done === count) resolve();
            else next();
          },
          onResponseError: (_controller, error) => reject(error),
        },
      );
    };
    for (let lane = 0; lane < AT_ONCE; lane += 1) next();
  });
}
