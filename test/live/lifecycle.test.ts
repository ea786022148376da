import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  cli,
  PASSWORD,
  startRefused,
  startServer,
  temporaryDirectory,
  type RunningServer,
} from "./processes.js";
import {
  headerValues,
  makeCertificates,
  startUpstream,
  type Certificates,
  type Upstream,
} from "./tls-upstream.js";
import { addService, call, makeToken, open, unlock } from "./vault-calls.js";

const SECRETS = {
  bearer: "bearer-S3cret-0123456789",
  header: "header-S3cret-0123456789",
  password: "basic-S3cret-0123456789",
  url: "url-S3cret-0123456789",
  query: "query-S3cret-0123456789",
};

let certificates: Certificates;
let upstream: Upstream;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
const running: RunningServer[] = [];

async function start(flags: string[] = [], env: Record<string, string> = {}): Promise<RunningServer> {
  const server = await startServer({ dataDir: join(directory.path, "data"), flags, env });
  running.push(server);
  return server;
}

beforeAll(async () => {
  certificates = await makeCertificates();
  upstream = await startUpstream(certificates);
});

afterAll(async () => {
  await upstream.close();
  await certificates.remove();
});

beforeEach(async () => {
  directory = await temporaryDirectory();
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop("SIGKILL")));
  await directory.remove();
});

const serviceOf = (name: string, auth: object, path = ""): object => ({
  name,
  base_url: `${upstream.origin}${path}`,
  auth,
  allow_private: true,
  tls_ca: certificates.ca,
});

test("tokens and services are alive again after a restart and an unlock", async () => {
  const first = await start();
  const admin = await unlock(first);
  await addService(first, admin, serviceOf("api", { type: "bearer", token: SECRETS.bearer }));
  const token = await makeToken(first, admin, { name: "bot" });
  expect(await first.stop()).toBe(0);

  const second = await start();
  expect((await call(second.address, "GET", "/health")).json).toMatchObject({
    status: "locked",
    initialized: true,
  });
  expect((await call(second.address, "GET", "/proxy/api/x", { token })).status).toBe(423);
  await unlock(second);
  upstream.requests.length = 0;
  expect((await call(second.address, "GET", "/proxy/api/x", { token })).status).toBe(200);
  expect(headerValues(upstream.requests[0]?.rawHeaders ?? [], "authorization")).toEqual([
    `Bearer ${SECRETS.bearer}`,
  ]);
  expect((await call(second.address, "GET", "/services", { token: admin })).json).toMatchObject([
    { name: "api" },
  ]);
});

test("what was answered with success survives kill -9 at once", async () => {
  const first = await start();
  const admin = await unlock(first);
  await addService(first, admin, serviceOf("api", { type: "bearer", token: SECRETS.bearer }));
  await first.stop("SIGKILL");
  const second = await start();
  await unlock(second);
  expect((await call(second.address, "GET", "/services", { token: admin })).json).toMatchObject([
    { name: "api" },
  ]);
});

test("no secret and no token is in the data directory, the log or the process list", async () => {
  const server = await start(["--log-level", "debug"]);
  // One that no command of other tests gives to a shell.
  const password = `password-${randomBytes(12).toString("hex")}`;
  const admin = await unlock(server, password);
  const services = [
    serviceOf("bearer", { type: "bearer", token: SECRETS.bearer }),
    serviceOf("header", { type: "header", header_name: "X-Key", header_value: SECRETS.header }),
    serviceOf("basic", { type: "basic", username: "ann", password: SECRETS.password }),
    serviceOf("url", { type: "url", token: SECRETS.url }, "/{token}"),
    serviceOf("query", { type: "query", params: { key: SECRETS.query } }),
  ];
  for (const service of services) await addService(server, admin, service);
  const token = await makeToken(server, admin);
  for (const name of ["bearer", "header", "basic", "url", "query"]) {
    expect((await call(server.address, "GET", `/proxy/${name}/x`, { token })).status).toBe(200);
  }
  await call(server.address, "DELETE", `/tokens/${token}`, { token: admin });
  await call(server.address, "GET", "/proxy/bearer/x", { token });
  await call(server.address, "POST", "/services", { token: admin, body: JSON.stringify({ auth: SECRETS }) });
  await call(server.address, "POST", "/services", { token: admin, body: `{"token":"${SECRETS.bearer}"` });
  const processes = execFileSync("ps", ["auxeww"], { maxBuffer: 64 * 1024 * 1024 }).toString();
  await server.stop();

  const files = readdirSync(server.dataDir).map((name) => [
    name,
    readFileSync(join(server.dataDir, name), "latin1"),
  ]);
  expect(files.map(([name]) => name)).toContain("vault.enc");
  const places: [string, string][] = [
    ...(files as [string, string][]),
    ["log", server.log()],
    ["ps", processes],
  ];
  const forbidden = [...Object.values(SECRETS), token, admin, password];
  const encoded = forbidden.flatMap((secret) => [
    secret,
    Buffer.from(secret).toString("base64").replace(/=+$/, ""),
  ]);
  for (const [place, text] of places) {
    for (const secret of encoded) expect(text.includes(secret), `${secret} in ${place}`).toBe(false);
  }
  expect(server.log()).toContain("unlock");
  for (const [name] of files) {
    expect(statSync(join(server.dataDir, name ?? "")).mode & 0o777, name).toBe(0o600);
  }
  expect(statSync(server.dataDir).mode & 0o777).toBe(0o700);
});

describe("unlocking", () => {
  test("makes the vault the first time, asks for 8 characters, and knows a wrong password", async () => {
    const server = await start();
    const attempt = (password: unknown) =>
      call(server.address, "POST", "/auth/unlock", { body: JSON.stringify({ password }) });
    expect((await call(server.address, "GET", "/health")).json).toMatchObject({ initialized: false });
    expect(await attempt("short")).toMatchObject({ status: 400, json: { code: "invalid_request" } });
    expect(await attempt(7)).toMatchObject({ status: 400 });
    expect(existsSync(join(server.dataDir, "vault.enc"))).toBe(false);
    expect(await attempt(PASSWORD)).toMatchObject({ status: 200, json: { scope: "admin" } });
    expect(await attempt("not the password")).toMatchObject({ status: 401, json: { code: "unauthorized" } });
    // The vault's own user is slowed to one try a second after a wrong one.
    expect(await attempt(PASSWORD)).toMatchObject({ status: 429, json: { code: "rate_limited" } });
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect(await attempt(PASSWORD)).toMatchObject({ status: 200 });
  });

  test("with a password file happens at start", async () => {
    const passwordFile = join(directory.path, "password");
    writeFileSync(passwordFile, `${PASSWORD}\n`, { mode: 0o600 });
    const server = await start(["--password-file", passwordFile]);
    const deadline = Date.now() + 10_000;
    for (;;) {
      const { json } = await call(server.address, "GET", "/health");
      if ((json as { status: string }).status === "unlocked") break;
      if (Date.now() > deadline) throw new Error(server.log());
    }
    await unlock(server);
  });

  test("a proxy token may not lock; an admin may, and then everything is 423", async () => {
    const server = await start();
    const admin = await unlock(server);
    const token = await makeToken(server, admin);
    expect(await call(server.address, "POST", "/auth/lock", { token })).toMatchObject({ status: 403 });
    expect(await call(server.address, "POST", "/auth/lock", { token: admin })).toMatchObject({
      status: 200,
      json: { status: "locked" },
    });
    for (const target of ["/services", "/tokens", "/files", "/nothing", "/proxy/x/y", "/auth/lock"]) {
      expect((await call(server.address, "GET", target, { token })).status, target).toBe(423);
    }
    const twoTokens = ["X-Api-Key", `tok_${"A".repeat(43)}`];
    expect((await call(server.address, "GET", "/proxy/", { token, headers: twoTokens })).status).toBe(423);
    expect((await call(server.address, "GET", "/openapi.json")).status).toBe(200);
    await unlock(server);
    expect((await call(server.address, "GET", "/services", { token })).status).toBe(200);
  });

  test("locking with revoke_tokens ends all tokens", async () => {
    const server = await start();
    const admin = await unlock(server);
    const token = await makeToken(server, admin);
    await call(server.address, "POST", "/auth/lock", { token: admin, body: '{"revoke_tokens":true}' });
    await unlock(server);
    expect((await call(server.address, "GET", "/services", { token })).status).toBe(401);
  });
});

describe("listeners", () => {
  test("a unix socket of mode 0660 serves, is removed at the end, and a left-over one is replaced", async () => {
    const path = join(directory.path, "vault.sock");
    const first = await start(["--listen", `unix:${path}`]);
    expect(statSync(path).mode & 0o777).toBe(0o660);
    await unlock(first);
    await first.stop("SIGKILL");
    expect(existsSync(path)).toBe(true);
    const second = await start(["--listen", `unix:${path}`]);
    const admin = await unlock(second);
    await addService(second, admin, serviceOf("api", { type: "bearer", token: SECRETS.bearer }));
    const token = await makeToken(second, admin);
    expect((await call(second.address, "GET", "/proxy/api/x", { token })).status).toBe(200);
    const health = await cli(["health"], { env: { VAULT_PROXY_SOCK: path, HOME: directory.path } });
    expect(health).toMatchObject({ code: 0 });
    const third = await startRefused([
      "--listen",
      `unix:${path}`,
      "--data-dir",
      join(directory.path, "other"),
    ]);
    expect(third).toMatchObject({ code: 1 });
    expect(third.output).toContain("already in use");
    expect((await call(second.address, "GET", "/health")).status).toBe(200);
    expect(await second.stop()).toBe(0);
    expect(existsSync(path)).toBe(false);
  });

  test("TLS serves every plane, by the certificate's names only", async () => {
    const server = await start(["--tls-cert", certificates.certPath, "--tls-key", certificates.keyPath]);
    expect(server.address).toMatch(/^https:/);
    const admin = await unlock(server, PASSWORD, certificates.ca);
    const health = (host: string) =>
      call(server.address, "GET", "/health", { ca: certificates.ca, headers: ["Host", host] });
    expect((await health("localhost")).status).toBe(200);
    expect((await health("127.0.0.1:1")).status).toBe(200);
    expect((await health("evil.example")).status).toBe(403);
    expect(
      (await call(server.address, "GET", "/services", { token: admin, ca: certificates.ca })).status,
    ).toBe(200);
  });

  test("a non-loopback address without TLS is refused with exit code 2", async () => {
    const { code, output } = await startRefused(["--listen", "0.0.0.0:0", "--data-dir", directory.path]);
    expect(code).toBe(2);
    expect(output).toContain("Three ways out");
  });

  test("a taken port and a taken data directory are refused with the reason", async () => {
    const first = await start();
    const { host } = new URL(first.address);
    const port = await startRefused(["--listen", host, "--data-dir", join(directory.path, "other")]);
    expect(port.code).toBe(1);
    expect(port.output).toContain("already in use");
    const data = await startRefused(["--listen", "127.0.0.1:0", "--data-dir", first.dataDir]);
    expect(data.code).toBe(1);
    expect(data.output).toContain(String(first.pid));
  });
});

describe("stopping", () => {
  test.each(["SIGTERM", "SIGINT"] as const)("%s drains, locks and exits 0", async (signal) => {
    const slow = await startUpstream(certificates, (_request, response) => {
      setTimeout(() => response.end("late"), 700);
    });
    const server = await start();
    const admin = await unlock(server);
    await addService(server, admin, {
      ...serviceOf("slow", { type: "bearer", token: "x" }),
      base_url: slow.origin,
    });
    const answer = call(server.address, "GET", "/proxy/slow/x", { token: admin });
    await new Promise((resolve) => setTimeout(resolve, 200));
    const ended = server.stop(signal);
    expect((await answer).text).toBe("late");
    expect(await ended).toBe(0);
    await slow.close();
    expect(server.log()).toContain("stopped");
  });

  test.each([false, true])(
    "connections that never say anything do not hold it up (TLS: %s)",
    async (withTls) => {
      const tls = ["--tls-cert", certificates.certPath, "--tls-key", certificates.keyPath];
      const server = await start(withTls ? tls : []);
      const { hostname, port } = new URL(server.address);
      const silent = connect(Number(port), hostname).on("error", () => undefined);
      const stuttering = connect(Number(port), hostname).on("error", () => undefined);
      stuttering.write("\u0016\u0003\u0001");
      await new Promise((resolve) => setTimeout(resolve, 200));
      const began = Date.now();
      expect(await server.stop()).toBe(0);
      expect(Date.now() - began).toBeLessThan(7000);
      silent.destroy();
      stuttering.destroy();
    },
  );

  test("a call that does not end is cut after 5 s, and a second signal exits at once", async () => {
    const endless = await startUpstream(certificates, (_request, response) => {
      response.write("on and on");
    });
    for (const hasty of [false, true]) {
      const server = await start();
      const admin = await unlock(server);
      await addService(server, admin, {
        ...serviceOf("endless", { type: "bearer", token: "x" }),
        base_url: endless.origin,
      });
      const answer = await open(server.address, "GET", "/proxy/endless/x", { token: admin });
      answer.on("error", () => undefined).resume();
      const began = Date.now();
      const ended = server.stop();
      if (hasty) {
        await new Promise((resolve) => setTimeout(resolve, 300));
        void server.stop();
      }
      const code = await ended;
      const took = Date.now() - began;
      if (hasty) expect(took).toBeLessThan(3000);
      else expect(code).toBe(0);
      expect(took).toBeLessThan(8000);
    }
    await endless.close();
  });
});

describe("no browser may drive it", () => {
  test("foreign origins, cross-site fetches and unknown hosts are refused on every plane", async () => {
    const server = await start();
    const admin = await unlock(server);
    const { host } = new URL(server.address);
    const refused: string[][] = [
      ["Origin", "https://evil.example"],
      ["Origin", "null"],
      ["Sec-Fetch-Site", "cross-site"],
      ["Sec-Fetch-Site", "same-site"],
      ["Host", "evil.example"],
      ["Host", `rebound.example:${new URL(server.address).port}`],
    ];
    for (const target of ["/health", "/services", "/auth/unlock", "/proxy/x/y", "/openapi.json"]) {
      for (const headers of refused) {
        const answer = await call(server.address, "GET", target, { token: admin, headers });
        expect(answer, `${target} ${headers.join()}`).toMatchObject({
          status: 403,
          json: { code: "forbidden" },
        });
      }
    }
    const own = await call(server.address, "GET", "/services", {
      token: admin,
      headers: ["Origin", `http://${host}`],
    });
    expect(own.status).toBe(200);
  });

  test("--allowed-hosts names further hosts", async () => {
    const server = await start(["--allowed-hosts", "vault.example"]);
    expect(
      (await call(server.address, "GET", "/health", { headers: ["Host", "vault.example:80"] })).status,
    ).toBe(200);
    expect(
      (await call(server.address, "GET", "/health", { headers: ["Host", "other.example"] })).status,
    ).toBe(403);
  });

  test("two Host headers are refused", async () => {
    const server = await start();
    const answer = await call(server.address, "GET", "/health", {
      headers: ["Host", "localhost", "Host", "localhost"],
    });
    expect(answer.status).toBe(400);
  });
});

test("odd targets and hosts get the vault's own answers, with a code and a request id", async () => {
  const server = await start();
  const { hostname, port } = new URL(server.address);
  const ask = (head: string): Promise<string> =>
    new Promise((resolve, reject) => {
      let received = "";
      const socket = connect(Number(port), hostname, () =>
        socket.write(`${head}\r\nConnection: close\r\n\r\n`),
      );
      socket.on("data", (chunk) => (received += chunk.toString()));
      socket.on("close", () => resolve(received)).on("error", reject);
    });
  for (const [head, status] of [
    ["GET /health HTTP/1.1\r\nHost: 127.0.0.1:", 200],
    ["GET /health HTTP/1.1\r\nHost: 127.0.0.1:99999", 200],
    ["GET /health HTTP/1.1\r\nX: y", 400],
    ["GET http://[::/health HTTP/1.1\r\nHost: localhost", 200],
    ["GET /\\evil HTTP/1.1\r\nHost: localhost", 423],
    ["OPTIONS * HTTP/1.1\r\nHost: localhost", 423],
    ["GET /%zz HTTP/1.1\r\nHost: localhost", 423],
  ] as const) {
    const answer = await ask(head);
    expect(answer, head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer, head).toMatch(/x-vault-request-id: [0-9a-f-]{36}/i);
    expect(answer, head).toMatch(status === 200 ? /"status"/ : /"code":"[a-z_]+"/);
  }
});

test("on a unix socket any Host will do, and wrong passwords of one user do not bar another", async () => {
  const server = await start(["--listen", `unix:${join(directory.path, "v.sock")}`]);
  await unlock(server);
  for (const host of ["", "/tmp/v.sock", "%2Ftmp%2Fv.sock", "x:y"]) {
    expect((await call(server.address, "GET", "/health", { headers: ["Host", host] })).status, host).toBe(
      200,
    );
  }
  const wrong = { body: JSON.stringify({ password: "wrong password" }) };
  for (let attempt = 0; attempt < 6; attempt += 1) {
    const { status } = await call(server.address, "POST", "/auth/unlock", wrong);
    expect(status).toBe(401);
    await new Promise((resolve) => setTimeout(resolve, 1050));
  }
  await unlock(server);
});

test("SIGUSR1 does not open Node's inspector", async () => {
  const server = await start();
  process.kill(server.pid, "SIGUSR1");
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(server.log()).not.toContain("Debugger");
  expect(server.log()).toContain("SIGUSR1 is ignored");
  expect((await call(server.address, "GET", "/health")).status).toBe(200);
});

test("garbage, CONNECT and oversized heads are answered and do not hurt the server", async () => {
  const server = await start();
  const { hostname, port } = new URL(server.address);
  const send = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      let received = "";
      const socket = connect(Number(port), hostname, () => socket.write(text));
      socket.on("data", (chunk) => (received += chunk.toString()));
      socket.on("close", () => resolve(received)).on("error", reject);
    });
  expect(await send("nonsense\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 .*"invalid_request"/s);
  expect(await send("CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n")).toMatch(/^HTTP\/1\.1 405 /);
  expect(await send(`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(70_000)}\r\n\r\n`)).toMatch(
    /^HTTP\/1\.1 431 .*"headers_too_large"/s,
  );
  expect((await call(server.address, "GET", "/health")).status).toBe(200);
});

test.each([
  [
    ["--tls-cert", "/nowhere/cert.pem", "--tls-key", "/nowhere/key.pem"],
    /--tls-cert: cannot read \/nowhere\/cert\.pem/,
  ],
  [["--password-file", "/nowhere/password"], /--password-file: cannot read \/nowhere\/password/],
  [["--listen", "unix:/nowhere/vault.sock"], /\/nowhere\/vault\.sock cannot be made/],
  [["--data-dir", "/dev/null"], /dev\/null/],
])("%j is refused with a sentence, exit code 1, and no lock left behind", async (flags, says) => {
  const dataDir = join(directory.path, "data");
  const result = await startRefused(["--data-dir", dataDir, "--listen", "127.0.0.1:0", ...flags]);
  expect(result.code).toBe(1);
  expect(result.output).toMatch(says);
  expect(result.output).not.toMatch(/ at .*\.js:\d+/);
  // That it was tried is recorded.
  const left = existsSync(dataDir) ? readdirSync(dataDir) : [];
  expect(left.filter((name) => name !== "audit.jsonl")).toEqual([]);
});
