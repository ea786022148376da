import { stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { startServer, temporaryDirectory, type RunningServer } from "../live/processes.js";
import {
  makeCertificates,
  startStreamingUpstream,
  type Certificates,
  type Upstream,
} from "../live/tls-upstream.js";
import { addService, call, makeToken, unlock } from "../live/vault-calls.js";
import { answerOrStream } from "./worker-vault.js";

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let certificates: Certificates;
let upstream: Upstream;
const servers: RunningServer[] = [];

beforeAll(async () => {
  directory = await temporaryDirectory();
  certificates = await makeCertificates();
  upstream = await startStreamingUpstream(undefined, answerOrStream);
});

afterAll(async () => {
  for (const server of servers) await server.stop();
  await upstream.close();
  await certificates.remove();
  await directory.remove();
});

async function start(name: string, ...flags: string[]): Promise<RunningServer> {
  const server = await startServer({
    dataDir: join(directory.path, name),
    flags: ["--workers", "2", ...flags],
  });
  servers.push(server);
  return server;
}

const service = (base_url: string): object => ({
  ...{ name: "api", base_url, allow_private: true },
  auth: { type: "bearer", token: "secret-0123456789abcdef" },
});

test("workers speak TLS, and the control plane is behind it too", async () => {
  const server = await start("tls", "--tls-cert", certificates.certPath, "--tls-key", certificates.keyPath);
  const { ca } = certificates;
  const admin = await unlock(server, undefined, ca);
  const body = JSON.stringify(service(upstream.origin));
  expect((await call(server.address, "POST", "/services", { token: admin, body, ca })).status).toBe(201);
  for (let each = 0; each < 4; each += 1) {
    const { status, text } = await call(server.address, "GET", "/proxy/api/x", { token: admin, ca });
    expect([status, text]).toEqual([200, "/x"]);
  }
});

test("a unix socket is born with its mode, serves both planes, and is removed", async () => {
  const path = join(directory.path, "vault.sock");
  const server = await start("unix", "--listen", `unix:${path}`);
  expect((await stat(path)).mode & 0o777).toBe(0o660);
  const admin = await unlock(server);
  await addService(server, admin, service(upstream.origin));
  for (let each = 0; each < 4; each += 1) {
    const { status, text } = await call(server.address, "GET", "/proxy/api/x", { token: admin });
    expect([status, text]).toEqual([200, "/x"]);
  }
  const { json } = await call(server.address, "GET", "/audit?limit=1", { token: admin });
  expect(json).toMatchObject({ entries: [{ action: "proxy" }] });
  await server.stop();
  await expect(stat(path)).rejects.toThrow();
});

test("a WebSocket goes through a worker, or through it to the owner, and ends with its token", async () => {
  const server = await start("websocket");
  const wss = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  wss.on("connection", (socket) => socket.on("message", (data) => socket.send(data)));
  const admin = await unlock(server);
  const { port } = wss.address() as { port: number };
  await addService(server, admin, service(`http://127.0.0.1:${port}`));
  const tokens = [
    await makeToken(server, admin),
    // What is counted to the end of a call is the owner's.
    await makeToken(server, admin, { policy: await bytesPolicy(server, admin) }),
  ];
  for (const token of tokens) {
    const socket = new WebSocket(`${server.address.replace("http", "ws")}/proxy/api/chat`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    const echoed = new Promise((resolve) =>
      socket.once("message", (data: Buffer) => resolve(data.toString())),
    );
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.once("open", () => socket.send("hello"));
    expect(await echoed).toBe("hello");
    await call(server.address, "DELETE", `/tokens/${token}`, { token: admin });
    await closed;
  }
  wss.close();
});

async function bytesPolicy(server: RunningServer, admin: string): Promise<string> {
  const body = JSON.stringify({ name: "b", rules: [{ service: "api" }], limits: { bytes_per_day: "1MB" } });
  expect((await call(server.address, "POST", "/policies", { token: admin, body })).status).toBe(201);
  return "b";
}
