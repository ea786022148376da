import { createHash } from "node:crypto";
import { once } from "node:events";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { expectNoSecretInAudit } from "../audit-secrets/audit-search.js";
import { cli, PASSWORD, startServer, temporaryDirectory, type RunningServer } from "./processes.js";
import { addService, call, makeToken, unlock } from "./vault-calls.js";

const SECRET = "ghp_0123456789abcdefghij";
const SERVICE = {
  name: "github",
  base_url: "https://api.github.com",
  auth: { type: "bearer", token: SECRET },
};

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let server: RunningServer;
beforeAll(async () => {
  directory = await temporaryDirectory();
  server = await startServer({ dataDir: directory.path });
});
afterAll(async () => {
  await server.stop();
  await directory.remove();
});

const verify = () =>
  cli(["audit", "verify", "--with-password"], {
    env: { HOME: directory.path, VAULT_DATA_DIR: directory.path },
    stdin: `${PASSWORD}\n`,
  });
const json = (body: object): { headers: Record<string, string>; body: string } => ({
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});
const actions = async (): Promise<string[]> =>
  (await readFile(join(directory.path, "audit.jsonl"), "utf8"))
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { action: string }).action);

test("what is done to a server is recorded, verifies with the password, and holds no secret", async () => {
  const admin = await unlock(server);
  const token = await makeToken(server, admin);
  await call(server.address, "POST", "/services", { token: admin, ...json(SERVICE) });
  // A caller that has a secret may write it wherever it likes.
  await call(server.address, "DELETE", `/services/${SECRET}`, { token: admin });
  await call(server.address, "GET", `/${SECRET}/${token}`, {
    token,
    headers: { "X-Vault-Justification": `${SECRET} ${Buffer.from(SECRET).toString("base64")}` },
  });
  await call(server.address, "POST", "/auth/password", {
    token: admin,
    ...json({ current: PASSWORD, new: `${PASSWORD} 2` }),
  });
  await call(server.address, "POST", "/auth/password", {
    token: admin,
    ...json({ current: `${PASSWORD} 2`, new: PASSWORD }),
  });
  expect((await call(server.address, "POST", "/auth/lock", { token: admin })).status).toBe(200);
  await call(server.address, "POST", "/auth/unlock", json({ password: "not the password" }));
  // One attempt a second.
  await delay(1100);
  const again = await unlock(server);

  const page = await call(server.address, "GET", "/audit?limit=3&action=service", { token: again });
  expect(page.json).toMatchObject({ entries: [{ action: "service.add", service: "github" }] });
  expect(await actions()).toEqual(
    expect.arrayContaining(["server.start", "unlock", "service.add", "token.create", "lock", "request"]),
  );
  await expectNoSecretInAudit(directory.path, [SECRET, token, admin, again, PASSWORD, "not the password"]);
  expect(await verify()).toMatchObject({ code: 0, stdout: expect.stringContaining("is whole") as string });
});

test("a secret in a call's path is masked, also if its service is removed at once", async () => {
  const admin = await unlock(server);
  const token = await makeToken(server, admin);
  const key = "sk-removed-0123456789abcdef";
  // Nothing listens there: the call is recorded as failed.
  const removed = {
    ...{ name: "removed", base_url: "http://127.0.0.1:9", allow_private: true },
    auth: { type: "bearer", token: key },
  };
  await call(server.address, "POST", "/services", { token: admin, ...json(removed) });
  expect((await call(server.address, "GET", `/proxy/removed/of/${key}`, { token })).status).toBe(502);
  expect((await call(server.address, "DELETE", "/services/removed", { token: admin })).status).toBe(200);
  const log = await readFile(join(directory.path, "audit.jsonl"), "utf8");
  expect(log).toContain('"path":"/of/***"');
  expect(log).not.toContain(key);
});

test("a secret in the path of a call that runs is masked, also if its service is removed or gets another meanwhile", async () => {
  const admin = await unlock(server);
  const token = await makeToken(server, admin);
  const held: ServerResponse[] = [];
  const upstream = createServer((_, response) => held.push(response)).listen(0, "127.0.0.1");
  await once(upstream, "listening");
  const { port } = upstream.address() as AddressInfo;
  const keyOf = (name: string): string => `sk-${name}-0123456789abcdef`;
  const definition = (name: string, key = keyOf(name)): object => ({
    ...{ name, base_url: `http://127.0.0.1:${port}`, allow_private: true },
    auth: { type: "bearer", token: key },
  });
  const names = ["deleted-meanwhile", "changed-meanwhile"];
  const calls = names.map(async (name) => {
    await addService(server, admin, definition(name));
    return call(server.address, "GET", `/proxy/${name}/held/${keyOf(name)}`, { token });
  });
  try {
    await expect.poll(() => held.length).toBe(names.length);
    const changed = definition("changed-meanwhile", "another-0123456789abcdef");
    const answers = [
      await call(server.address, "DELETE", "/services/deleted-meanwhile", { token: admin }),
      await call(server.address, "PUT", "/services/changed-meanwhile", { token: admin, ...json(changed) }),
    ];
    for (const response of held) response.end();
    answers.push(...(await Promise.all(calls)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 404, 200]);
  } finally {
    upstream.closeAllConnections();
    upstream.close();
  }
  await call(server.address, "GET", "/audit?limit=1", { token: admin });
  const log = await readFile(join(directory.path, "audit.jsonl"), "utf8");
  expect(log.split('"path":"/held/***"')).toHaveLength(1 + names.length);
  for (const name of names) expect(log).not.toContain(keyOf(name));
});

test("a server that stops leaves a log whose end the vault remembers", async () => {
  await server.stop();
  expect(await verify()).toMatchObject({ code: 0 });
  const file = join(directory.path, "audit.jsonl");
  const text = await readFile(file, "utf8");
  expect((await actions()).at(-1)).toBe("server.stop");
  const lines = text.trimEnd().split("\n");
  await writeFile(file, `${lines.slice(0, -1).join("\n")}\n`);
  expect((await verify()).stdout).toContain("cut_off");
  await writeFile(file, text.replace('"service.add"', '"service.pet"'));
  expect((await verify()).stdout).toContain("mac_wrong");
  await writeFile(file, text);
  server = await startServer({ dataDir: directory.path });
  await unlock(server);
  expect(await verify()).toMatchObject({ code: 0 });
});

test("lines that somebody adds while the server is stopped make it say so at the unlock, and teach nothing", async () => {
  await server.stop();
  const file = join(directory.path, "audit.jsonl");
  const whole = await readFile(file, "utf8");
  const last = whole.trimEnd().split("\n").at(-1)!;
  const { seq, time } = JSON.parse(last) as { seq: number; time: string };
  const prev = createHash("sha256").update(last).digest("base64url");
  const forged = { action: "proxy", service: "github", method: "DELETE", path: "/x", decision: "allow" };
  await appendFile(file, `${JSON.stringify({ seq: seq + 1, time, ...forged, token_name: "bot", prev })}\n`);
  expect(await verify()).toMatchObject({ code: 1, stdout: expect.stringContaining("mac_missing") as string });

  server = await startServer({ dataDir: directory.path });
  const admin = await unlock(server);
  expect(await verify()).toMatchObject({ code: 1 });
  const page = await call(server.address, "GET", "/audit?limit=5", { token: admin });
  expect(page.json).toMatchObject({
    entries: [
      { action: "unlock" },
      { action: "audit.tampered", problem: "mac_missing", behind: seq },
      { action: "server.start" },
      { ...forged, unverified: true },
      {},
    ],
  });
  const env = { HOME: directory.path, VAULT_ADDR: server.address, VAULT_TOKEN: admin };
  const learned = await cli(["policy", "learn", "--token", "bot"], { env });
  expect([learned.code, learned.stderr]).toEqual([1, expect.stringContaining("1 use has no MAC")]);
});

test("the log says that a server ran without one", async () => {
  const other = await temporaryDirectory();
  for (const flags of [[], ["--audit", "off"], ["--audit", "off"]]) {
    const first = await startServer({ dataDir: other.path, flags });
    await unlock(first);
    await first.stop();
  }
  for (const times of [1, 0]) {
    const again = await startServer({ dataDir: other.path });
    const admin = await unlock(again);
    const { json: page } = await call(again.address, "GET", "/audit?limit=3", { token: admin });
    const noted = (page as { entries: { action: string; details?: object }[] }).entries.filter(
      ({ action }) => action === "audit.off",
    );
    expect(noted).toHaveLength(times);
    if (times === 1)
      expect(noted[0]?.details).toEqual({ since: expect.stringMatching(/^\d{4}-.*Z$/) as unknown });
    await again.stop();
  }
  await other.remove();
});

test("--audit off writes none", async () => {
  const other = await temporaryDirectory();
  const quiet = await startServer({ dataDir: other.path, flags: ["--audit", "off"] });
  const admin = await unlock(quiet);
  expect(await call(quiet.address, "GET", "/audit", { token: admin })).toMatchObject({ status: 404 });
  await quiet.stop();
  await expect(readFile(join(other.path, "audit.jsonl"))).rejects.toThrow("ENOENT");
  await other.remove();
});
