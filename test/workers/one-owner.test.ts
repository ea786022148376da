import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cli, PASSWORD } from "../live/processes.js";
import { eventually } from "../live/raw-sockets.js";
import { call, makeToken, open, type Answered } from "../live/vault-calls.js";
import {
  answerOrStream,
  countStatuses,
  startWorkerVault,
  type Caller,
  type WorkerVault,
} from "./worker-vault.js";

const CALLS = 300;

let vault: WorkerVault;
let callers: Caller[];
let cookies = 0;

beforeAll(async () => {
  vault = await startWorkerVault((request, response) => {
    if (request.url === "/login")
      response.setHeader("Set-Cookie", `sid=session-number-${(cookies += 1)}`).end();
    else if (request.url === "/me")
      response.end(request.headers.cookie === undefined ? "nobody" : "somebody");
    else answerOrStream(request, response);
  });
  await vault.add("api");
  await vault.add("app", { session_cookies: true });
  callers = await vault.callers();
});

afterAll(() => vault.close());

const caller = (nth: number): Caller => callers[nth % callers.length] ?? expect.fail("there are no callers");
const byAll = (target: string, token = vault.token, count = callers.length): Promise<Answered[]> =>
  Promise.all(Array.from({ length: count }, (_, nth) => caller(nth).call("GET", target, { token })));

test("metrics and health are of all workers together", async () => {
  const value = async (name: string): Promise<number> => {
    const { text } = await vault.admins("GET", "/metrics");
    const lines = text.split("\n").filter((line) => line.startsWith(name));
    return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
  };
  const calls = 'vault_proxy_calls_total{service="api",plane="http",status="2xx"';
  const before = await value(calls);
  const measured = await value("vault_proxy_added_seconds_count");
  await byAll("/proxy/api/x", vault.token, CALLS);
  expect(await value(calls)).toBe(before + CALLS);
  expect(await value("vault_proxy_added_seconds_count")).toBe(measured + CALLS);
  const running = await Promise.all(
    callers.map(() => open(vault.server.address, "GET", "/proxy/api/stream", { token: vault.token })),
  );
  const health = (await vault.admins("GET", "/health")).json as { details: Record<string, number> };
  expect(health.details.calls_running).toBe(callers.length);
  expect(health.details.connections_open).toBeGreaterThanOrEqual(2 * callers.length);
  for (const each of running) each.on("error", () => undefined).destroy();
});

test("who asks for the log finds all that was done before, in one chain, with the callers' own addresses", async () => {
  await byAll("/proxy/api/logged", vault.token, CALLS);
  // More than the calls: streams that earlier tests left may end, and be recorded, between them.
  const { json } = await vault.admins("GET", `/audit?limit=${CALLS + 50}`);
  const { entries } = json as { entries: { path: string; client: string }[] };
  const logged = entries.filter(({ path }) => path === "/logged");
  expect(logged).toHaveLength(CALLS);
  expect(new Set(logged.map(({ client }) => client))).toEqual(new Set(["127.0.0.1"]));
});

test("the address of an admin is that of the connection, whatever the request says", async () => {
  const headers = { "X-Forwarded-For": "203.0.113.9", Forwarded: "for=203.0.113.9" };
  const body = JSON.stringify({ scope: "proxy", name: "whence" });
  expect((await caller(0).call("POST", "/tokens", { token: vault.admin, headers, body })).status).toBe(201);
  const { json } = await vault.admins("GET", "/audit?limit=1");
  expect(json).toMatchObject({ entries: [{ action: "token.create", client: "127.0.0.1" }] });
});

test("tokens show when any worker saw them last", async () => {
  const token = await makeToken(vault.server, vault.admin, { name: "seen" });
  const used = async (): Promise<unknown> => {
    const listed = (await vault.admins("GET", "/tokens")).json as Record<string, unknown>[];
    return listed.find(({ name }) => name === "seen")?.last_used_at;
  };
  expect(await used()).toBeUndefined();
  await caller(1).call("GET", "/proxy/api/x", { token });
  expect(await used()).toBeDefined();
});

test("a session of an API is one for all workers", async () => {
  expect((await byAll("/proxy/app/me")).map((answer) => answer.text)).toEqual(callers.map(() => "nobody"));
  await caller(0).call("GET", "/proxy/app/login", { token: vault.token });
  expect((await byAll("/proxy/app/me")).map((answer) => answer.text)).toEqual(callers.map(() => "somebody"));
});

test("secrets of other services are counted against a token in all workers together", async () => {
  const names = ["one", "two", "three"];
  for (const name of names) await vault.add(name);
  const token = await makeToken(vault.server, vault.admin);
  const send = (each: number, body: string) =>
    caller(each).call("POST", "/proxy/api/x", { token, body, headers: { "Content-Type": "text/plain" } });
  const secretOf = (name: string): string => `my key is secret-of-${name}-0123456789abcdef`;
  // The same secret again is no other offence, at whatever worker.
  for (const each of [0, 1, 2, 3, 0, 1]) expect((await send(each, secretOf("one"))).status).toBe(409);
  expect((await send(1, "nothing")).status).toBe(200);
  expect((await send(2, secretOf("two"))).status).toBe(409);
  expect((await send(3, secretOf("three"))).status).toBe(409);
  const statuses = async () => (await byAll("/proxy/api/x", token)).map((answer) => answer.status);
  await expect.poll(statuses).toEqual(callers.map(() => 403));
});

test("wrong passwords are counted in all workers together", async () => {
  const attempt = async (each: number): Promise<number> =>
    (await caller(each).call("POST", "/auth/unlock", { body: '{"password":"not the password"}' })).status;
  const statuses = [];
  for (let each = 0; each < 6; each += 1) statuses.push(await attempt(each));
  // Root, whom these tests may run as, is slowed; anybody else is barred after five.
  expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(0);
  expect(statuses[0]).toBe(401);
});

test("a large upload goes to the owner, and its bytes come back", async () => {
  const bytes = Buffer.alloc(4_000_000, "0123456789abcdef\n");
  const body = Buffer.concat([
    Buffer.from(
      '--boundary-0123456789\r\nContent-Disposition: form-data; name="file"; filename="large.txt"\r\n\r\n',
    ),
    bytes,
    Buffer.from("\r\n--boundary-0123456789--\r\n"),
  ]);
  const headers = { "Content-Type": "multipart/form-data; boundary=boundary-0123456789" };
  const stored = await caller(2).call("POST", "/files", { token: vault.admin, headers, body });
  expect(stored).toMatchObject({ status: 201, json: { size: bytes.length } });
  const { text } = await vault.admins("GET", "/files/large.txt");
  expect(Buffer.from(text).equals(bytes)).toBe(true);
});

test("no entry is lost by an orderly stop, and the chain is whole", async () => {
  const paths = new Set(Array.from({ length: CALLS }, (_, nth) => `/last/${nth}`));
  const last = Promise.all(
    [...paths].map((path, nth) => caller(nth).call("GET", `/proxy/api${path}`, { token: vault.token })),
  );
  await eventually(async () => (await call(vault.server.address, "GET", "/health")).status === 200);
  const answers = await last;
  expect(countStatuses(answers)).toEqual({ 200: CALLS });
  expect(await vault.server.stop()).toBe(0);
  const file = join(vault.server.dataDir, "audit.jsonl");
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  for (const line of lines) paths.delete((JSON.parse(line) as { path?: string }).path ?? "");
  expect(paths.size).toBe(0);
  const verified = await cli(["audit", "verify", file, "--with-password"], {
    env: { HOME: vault.temporary, VAULT_DATA_DIR: vault.server.dataDir },
    stdin: `${PASSWORD}\n`,
    derivation: "real",
  });
  expect(verified).toMatchObject({ code: 0 });
});
