import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";

import { connectWithToken, sessionAddress } from "./connection.js";
import { writeSession, type Session } from "./session-file.js";
import { ADMIN_TOKEN, PROXY_TOKEN, startFakeVault } from "./testing/fake-vault.js";

async function savedSession(session: Omit<Session, "token">): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), "vault-cli-"));
  onTestFinished(() => rm(home, { recursive: true }));
  const path = join(home, "session");
  await writeSession(path, { token: ADMIN_TOKEN, ...session });
  return path;
}

async function fakeVault() {
  const vault = await startFakeVault();
  onTestFinished(() => vault.stop());
  return vault;
}

/** A listener of another user than this process's: root starts it as one, anyone else takes another id. */
async function strangersListener(): Promise<{ port: number; uid: number }> {
  const self = process.getuid?.() ?? 0;
  const uid = self === 0 ? 65_534 : self;
  const script = `const server = require("node:net").createServer().listen(0, "127.0.0.1", () =>
    console.log(server.address().port))`;
  const child = spawn(process.execPath, ["-e", script], { cwd: "/", ...(self === 0 ? { uid } : {}) });
  onTestFinished(() => void child.kill());
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  if (self !== 0) vi.spyOn(process, "getuid").mockReturnValue(self + 1);
  onTestFinished(() => void vi.restoreAllMocks());
  return { port: Number(line.toString()), uid };
}

test("the saved session goes to the address that it came from, and to no other", async () => {
  const [vault, other] = [await fakeVault(), await fakeVault()];
  const sessionPath = await savedSession({ address: vault.addr });
  const connect = (addr: string, env = {}) => connectWithToken({ options: { addr }, env, sessionPath });
  expect((await connect(`${vault.addr}/`)).token).toBe(ADMIN_TOKEN);
  await expect(connect(other.addr)).rejects.toMatchObject({
    message: `the saved session is for ${vault.addr}`,
    hint: "unlock this one, or give VAULT_TOKEN",
  });
  expect((await connect(other.addr, { VAULT_TOKEN: PROXY_TOKEN })).token).toBe(PROXY_TOKEN);
  expect(other.requests).toEqual([]);
});

test("a session that names no address goes nowhere", async () => {
  const { addr } = await fakeVault();
  const sessionPath = await savedSession({ address: "" });
  await expect(connectWithToken({ options: { addr }, env: {}, sessionPath })).rejects.toThrow(
    "the saved session names no address",
  );
});

test("a stranger who listens where the vault did gets VAULT_TOKEN only, or what he was trusted with", async () => {
  if (process.platform !== "linux") return;
  const { port, uid } = await strangersListener();
  const address = `http://127.0.0.1:${port}`;
  const connect = async (listenerUid?: string, env = {}) => {
    const sessionPath = await savedSession({ address, listenerUid });
    return (await connectWithToken({ options: { addr: address }, env, sessionPath })).token;
  };
  await expect(connect()).rejects.toThrow(
    `refused to send the saved session to port ${port}: the user with id ${uid} listens there`,
  );
  expect(await connect(undefined, { VAULT_TOKEN: PROXY_TOKEN })).toBe(PROXY_TOKEN);
  expect(await connect(String(uid))).toBe(ADMIN_TOKEN);
  expect(await connect("any")).toBe(ADMIN_TOKEN);
});

test("a vault that is not running is told as that", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  server.close();
  await once(server, "close");
  const sessionPath = await savedSession({ address });
  const client = connectWithToken({ options: { addr: address }, env: {}, sessionPath });
  // Other systems do not tell who listens, so there the first call finds out.
  await expect(client.then((connected) => connected.listServices())).rejects.toMatchObject({
    code: "connection_failed",
  });
});

test("a relative socket path means the one of this directory", () => {
  expect(sessionAddress({ addr: "unix:run/v.sock" })).toBe(`unix:${join(process.cwd(), "run/v.sock")}`);
  expect(sessionAddress({ addr: "unix:/run/v.sock" })).toBe("unix:/run/v.sock");
  expect(sessionAddress({ addr: "https://vault.example" })).toBe("https://vault.example");
});
