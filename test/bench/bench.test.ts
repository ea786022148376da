import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startPeer } from "../../bench/harness/contestants.mjs";
import { createProcesses } from "../../bench/harness/processes.mjs";
import { forgetPeak, peakMb, processorMicroseconds, residentMb } from "../../bench/harness/process-costs.mjs";
import { parsePeers } from "../../bench/harness/peer.mjs";
import { wrk } from "../../bench/harness/wrk.mjs";
import { ROWS } from "../../bench/rows.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const processes = createProcesses();
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "vault-proxy-test-"));
});

afterAll(async () => {
  await processes.stopAll();
  await rm(directory, { recursive: true, force: true });
});

function bench(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)(process.execPath, ["bench/main.mjs", ...args], { cwd: ROOT });
}

test("--list tells every row, and which run only if they are named", async () => {
  const { stdout } = await bench("--list");
  const lines = stdout.trimEnd().split("\n");
  expect(lines.map((line) => line.split(" ")[0])).toEqual(ROWS.map(({ name }) => name));
  expect(lines.filter((line) => line.endsWith("(only if it is named)")).length).toBe(
    ROWS.filter(({ isExtra }) => isExtra).length,
  );
});

test("a row that there is not is refused before anything is started", async () => {
  await expect(bench("no-such-row")).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining("no such row: no-such-row") as string,
  });
});

test("one row runs for real: it measures, prints, and writes its figures as JSON", async () => {
  const json = join(directory, "results.json");
  const { stdout } = await bench("--quick", "--json", json, "expired-token");
  expect(stdout).toMatch(/refreshes .* exactly 1 .* 1 .* yes/);
  const { machine, results } = JSON.parse(await readFile(json, "utf8")) as {
    machine: { cores: number; versions: Record<string, string> };
    results: { row: { name: string }; measured: { targets: { measured: number }[] } }[];
  };
  expect(machine.versions.node).toBe(process.versions.node);
  expect(results.map(({ row }) => row.name)).toEqual(["expired-token"]);
  expect(results[0]?.measured.targets.map(({ measured }) => measured)).toEqual([1, 200]);
});

test("a peer is started by its command, called under load at its URL with its header, and stopped", async () => {
  const seen = new Set<string>();
  const upstream = createServer((request, response) => {
    seen.add(
      [request.method, request.url, request.headers["x-from"], request.headers.authorization].join(" "),
    );
    request.resume().on("end", () => response.end("{}"));
  }).listen(0, "127.0.0.1");
  await once(upstream, "listening");
  const origin = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  const [peer] = parsePeers(
    `again=node ${join(ROOT, "bench/programs/http-proxy.mjs")},http://127.0.0.1:$PORT/plain/v1/models,X-From: bench`,
  );
  const contestant = await startPeer(processes, peer!, {
    routes: { plain: origin, tls: origin },
    certificates: { ca: "", cert: "", key: "" },
  });
  const { pid, headers } = contestant;
  // Its URL does not say which upstream it leads to.
  expect(contestant.urlOf("tls", "", "row")).toBeUndefined();
  const url = contestant.urlOf("plain", "", "row") ?? "";
  const before = processorMicroseconds(pid!);
  const got = await wrk(url, { connections: 2, seconds: 1, headers, bodyBytes: 2048 });
  expect(got.requests).toBeGreaterThan(0);
  expect(got.p99Ms).toBeGreaterThanOrEqual(got.p50Ms);
  expect(processorMicroseconds(pid!)).toBeGreaterThan(before);
  expect([...seen]).toEqual(["POST /v1/models bench Bearer key-of-the-bench-0123456789abcdef"]);
  await processes.stopAll();
  expect(() => process.kill(pid!, 0)).toThrow(/ESRCH/);
  await expect(wrk(url, { connections: 1, seconds: 1 })).rejects.toThrow(/failed/i);
  upstream.closeAllConnections();
  upstream.close();
});

test("the costs of a process are those of its children, too", async () => {
  const busy = "const until = Date.now() + 300; const b = Buffer.alloc(3e7, 1); while (Date.now() < until); ";
  const idle = "setInterval(() => b, 1000)";
  const child = `require("child_process").spawn(process.execPath, ["-e", ${JSON.stringify(`${busy} console.log("done"); ${idle}`)}], { stdio: "inherit" })`;
  const { pid } = await processes.start(process.execPath, ["-e", child], { ready: /done/ });
  expect(processorMicroseconds(pid)).toBeGreaterThan(50_000);
  const resident = residentMb(pid);
  expect(resident).toBeGreaterThan(60);
  forgetPeak(pid);
  expect(peakMb(pid)).toBeLessThan(resident * 1.5);
});

test("a program that ends, or prints nothing, is told with what it said", async () => {
  const failing = processes.start(process.execPath, ["-e", "console.log('why')"], { ready: /listening/ });
  await expect(failing).rejects.toThrow(/it ended with 0\nwhy/);
  await expect(processes.start("/no/such/program", [])).rejects.toThrow(/ENOENT/);
});
