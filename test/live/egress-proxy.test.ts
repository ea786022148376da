import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import {
  startConnectProxy,
  type ConnectProxy,
} from "../../packages/server/src/network/testing/connect-proxy.js";
import { startServer, temporaryDirectory, type RunningServer } from "./processes.js";
import {
  headerValues,
  makeCertificates,
  startUpstream,
  type Certificates,
  type Upstream,
} from "./tls-upstream.js";
import { addService, call, makeToken, unlock } from "./vault-calls.js";

/** A name that only the proxy can reach: the reserved top level resolves nowhere (RFC 6761 §6.4). */
const HOST = "api.vault-proxy.invalid";
const PROXY_PASSWORD = "pr0xy-passw0rd";

let certificates: Certificates;
let upstream: Upstream;
let proxy: ConnectProxy;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let server: RunningServer;
let token: string;

beforeAll(async () => {
  certificates = await makeCertificates(`DNS:${HOST}`);
  upstream = await startUpstream(certificates);
  proxy = await startConnectProxy();
  directory = await temporaryDirectory();
  server = await startServer({
    dataDir: directory.path,
    flags: ["--http-proxy", `http://user:${PROXY_PASSWORD}@127.0.0.1:${proxy.port}`, "--log-level", "debug"],
  });
  const admin = await unlock(server);
  token = await makeToken(server, admin);
  for (const [name, tls_ca] of [
    ["api", certificates.ca],
    ["untrusted", undefined],
  ]) {
    await addService(server, admin, {
      name,
      base_url: `https://${HOST}:${new URL(upstream.origin).port}`,
      auth: { type: "bearer", token: "egress-secret-0123456789" },
      tls_ca,
    });
  }
});

afterAll(async () => {
  await server.stop();
  await proxy.close();
  await upstream.close();
  await directory.remove();
  await certificates.remove();
});

beforeEach(() => {
  upstream.requests.length = 0;
});

test("a call goes through the proxy's tunnel, with TLS to the upstream inside it", async () => {
  expect((await call(server.address, "GET", "/proxy/api/x", { token })).status).toBe(200);
  expect(headerValues(upstream.requests[0]?.rawHeaders ?? [], "authorization")).toEqual([
    "Bearer egress-secret-0123456789",
  ]);
  const [head = ""] = proxy.heads;
  expect(head).toMatch(new RegExp(`^CONNECT ${HOST.replaceAll(".", "\\.")}:\\d+ HTTP/1\\.1\r\n`));
  expect(head).toContain(Buffer.from(`user:${PROXY_PASSWORD}`).toString("base64"));
  expect(proxy.heads.join()).not.toContain("egress-secret");
  expect(headerValues(upstream.requests[0]?.rawHeaders ?? [], "proxy-authorization")).toEqual([]);
});

test("the upstream's certificate is verified all the same", async () => {
  const answer = await call(server.address, "GET", "/proxy/untrusted/x", { token });
  expect(answer).toMatchObject({ status: 502, json: { code: "upstream_failed" } });
  expect(upstream.requests).toEqual([]);
});

test("the proxy's password is in no log", () => {
  expect(server.log()).not.toContain(PROXY_PASSWORD);
});
