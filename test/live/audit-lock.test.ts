import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cli, PASSWORD, startServer, temporaryDirectory, type RunningServer } from "./processes.js";
import { addService, call, makeToken, open, unlock } from "./vault-calls.js";

type Line = Record<string, unknown>;

const PIECE = "begun\n";
const KEY = "sk-upstream-0123456789";

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let upstream: Server;
let mute: TcpServer;
let server: RunningServer;
let lines: readonly string[];

/** One stream is cut by a lock, a second one by the server's end. */
beforeAll(async () => {
  directory = await temporaryDirectory();
  upstream = createServer((request, response) => {
    if (request.url?.startsWith("/silent/") === true) upstream.emit("asked");
    else response.writeHead(200).write(PIECE);
  }).listen(0, "127.0.0.1");
  await once(upstream, "listening");
  server = await startServer({ dataDir: directory.path });
  const admin = await unlock(server);
  await addService(server, admin, {
    ...{ name: "api", base_url: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}` },
    ...{ allow_private: true, auth: { type: "bearer", token: KEY } },
  });
  // Of TLS it says nothing, so that a connection to it is never made.
  mute = createTcpServer().listen(0, "127.0.0.1");
  await once(mute, "listening");
  await addService(server, admin, {
    ...{ name: "mute", base_url: `https://127.0.0.1:${(mute.address() as AddressInfo).port}` },
    ...{ allow_private: true, auth: { type: "bearer", token: KEY } },
  });
  const token = await makeToken(server, admin);
  const byLock = await begin("/cut-by-lock", token);
  const asked = once(upstream, "asked");
  const unanswered = call(server.address, "GET", `/proxy/api/silent/${KEY}`, { token });
  await asked;
  const shaking = once(mute, "connection");
  const unconnected = call(server.address, "GET", `/proxy/mute/connecting/${KEY}`, { token });
  await shaking;
  const locked = await call(server.address, "POST", "/auth/lock", { token: admin, body: "{}" });
  expect(locked.status, locked.text).toBe(200);
  expect(await byLock.ended).toBe("broken off");
  expect((await unanswered).status).toBe(423);
  expect((await unconnected).status).toBe(423);
  const refused = await call(server.address, "GET", `/proxy/api/refused/${KEY}`, { token });
  expect(refused.status, refused.text).toBe(423);
  await unlock(server);
  const byEnd = await begin("/cut-by-end", token);
  await server.stop();
  expect(await byEnd.ended).toBe("broken off");
  lines = (await readFile(file(), "utf8")).trimEnd().split("\n");
});
afterAll(async () => {
  upstream.closeAllConnections();
  upstream.close();
  mute.close();
  await directory.remove();
});

const file = (): string => join(directory.path, "audit.jsonl");

async function begin(path: string, token: string): Promise<{ readonly ended: Promise<string> }> {
  const response = await open(server.address, "GET", `/proxy/api${path}`, { token });
  const ended = new Promise<string>((resolve) => {
    response.on("end", () => resolve("end"));
    response.on("error", () => resolve("broken off"));
  });
  response.resume();
  return { ended };
}

const parsed = (line: string): Line => JSON.parse(line) as Line;
const indexOfCall = (path: string): number =>
  lines.findIndex((line) => parsed(line).action === "proxy" && parsed(line).path === path);

/** What `audit verify` says of these lines, with the password. */
async function verify(of: readonly string[]): Promise<Line> {
  await writeFile(file(), `${of.join("\n")}\n`);
  const { stdout } = await cli(["audit", "verify", "--with-password", "--json"], {
    env: { HOME: directory.path, VAULT_DATA_DIR: directory.path },
    stdin: `${PASSWORD}\n`,
  });
  return parsed(stdout);
}

/** As somebody who has no key would change a line, with the chain of all that follow made anew. */
function forged(index: number, change: (line: Line) => Line): string[] {
  const made = lines.slice(0, index);
  for (const [at, line] of lines.slice(index).entries()) {
    const prev = createHash("sha256")
      .update(made.at(-1) ?? "")
      .digest("base64url");
    made.push(JSON.stringify({ ...(at === 0 ? change(parsed(line)) : parsed(line)), prev }));
  }
  return made;
}

test("a secret in a path is masked where a lock ends the call; of what is refused while locked no path is kept", () => {
  expect(indexOfCall("/silent/***")).toBeGreaterThan(0);
  expect(indexOfCall("/connecting/***")).toBeGreaterThan(0);
  expect(lines.join("\n")).not.toContain(KEY);
  const refused = lines
    .map(parsed)
    .filter(({ code, decision }) => code === "vault_locked" && decision === "deny");
  expect(refused.at(-1)).toMatchObject({ action: "proxy", service: "api", method: "GET", status: 423 });
  for (const each of refused) expect(each).not.toHaveProperty("path");
});

test("the log is whole with the password, and every line of the unlocked vault counts as authentic", async () => {
  const withMac = lines.filter((line) => "mac" in parsed(line));
  expect(await verify(lines)).toMatchObject({
    ...{ status: "ok", checked: "vault", lines: lines.length, authenticated: withMac.length },
  });
  const without = lines.filter((line) => !("mac" in parsed(line))).map((line) => parsed(line).action);
  expect([...new Set(without)].sort()).toEqual(["audit.file", "server.start"]);
});

test.each([
  ["/cut-by-lock", "vault_locked"],
  ["/cut-by-end", "unavailable"],
])("the call %s is recorded as what it was, with a MAC that no one else can make", async (path, code) => {
  const index = indexOfCall(path);
  expect(parsed(lines[index] ?? "{}")).toMatchObject({
    ...{ action: "proxy", service: "api", decision: "allow", status: 200, code },
    ...{ bytes_out: PIECE.length, mac: expect.any(String) as unknown },
  });
  // Behind a lock a refusal may lack a MAC; then that of the next line is wrong.
  const next = code === "vault_locked" ? index + 1 : index;
  const changes: readonly (readonly [number, (line: Line) => Line])[] = [
    [index, (line) => ({ ...line, bytes_out: 0 })],
    [index, ({ mac: _, ...line }) => line],
    [index, ({ mac: _, ...line }) => ({ ...line, decision: "deny", code: "unavailable" })],
    [next, ({ mac: _, ...line }) => ({ ...line, decision: "deny", code: "vault_locked" })],
  ];
  for (const [bad, change] of changes) {
    expect(await verify(forged(index, change))).toMatchObject({ status: "bad", bad: { line: bad + 1 } });
  }
});
