import { once } from "node:events";
import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { recordAnswers, type RecordedAnswers } from "../contract/recorded-answers.js";
import { cli, PASSWORD, temporaryDirectory, type CliResult } from "./processes.js";

/** Of any vault-server. */
const HEALTH = JSON.stringify({ status: "unlocked", initialized: true, version: "0.1.0" });

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let dataDir: string;
let address: string;
let answers: RecordedAnswers;

beforeEach(async () => {
  answers = recordAnswers();
  directory = await temporaryDirectory();
  dataDir = join(directory.path, "data");
  const server = await listening();
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  server.close();
  await once(server, "close");
});

afterEach(async () => {
  await run(["down"]);
  await answers.check();
  await directory.remove();
});

async function listening(port = 0): Promise<Server> {
  const server = createServer((socket) => socket.end("nonsense\r\n\r\n")).listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}

function run(args: readonly string[], stdin = "", env: Record<string, string> = {}): Promise<CliResult> {
  return cli(args, {
    stdin,
    env: {
      HOME: directory.path,
      VAULT_ADDR: address,
      VAULT_DATA_DIR: dataDir,
      ...answers.inheritedEnvironment,
      ...env,
    },
  });
}

test("up starts a server that outlives it and unlocks; again it does nothing; down stops it", async () => {
  const first = await run(["up"], `${PASSWORD}\n`);
  expect(first).toMatchObject({
    code: 0,
    stdout: `vault-server is up at ${address}.\nVault unlocked. Session saved.\n`,
  });
  expect(first.stderr).toContain("vault-cli down");
  expect(statSync(join(dataDir, "vault-server.log")).mode & 0o777).toBe(0o600);
  expect(await run(["service", "list"])).toMatchObject({ code: 0 });
  expect(await run(["up"])).toMatchObject({
    code: 0,
    stdout: `vault-server runs at ${address}.\nThe vault is unlocked, and you have a session.\n`,
  });
  await run(["lock"]);
  expect((await run(["up"], `${PASSWORD}\n`)).stdout).toContain("Vault unlocked.");
  const down = await run(["down"]);
  expect(down.stdout).toMatch(/^vault-server \(pid \d+\) is stopped\.\n$/);
  expect(await run(["health"])).toMatchObject({ code: 1 });
  expect(await run(["down"])).toMatchObject({ code: 0, stdout: `No vault-server holds ${dataDir}.\n` });
  // The vault is there already, so the password has to be the same.
  const wrong = await run(["up"], "another password\n");
  expect(wrong).toMatchObject({ code: 1, stdout: "" });
  expect(wrong.stderr).toContain("wrong password");
});

test("of two that start at once one starts the server, and both unlock it", async () => {
  const both = await Promise.all([run(["up"], `${PASSWORD}\n`), run(["up"], `${PASSWORD}\n`)]);
  expect(both).toMatchObject([{ code: 0 }, { code: 0 }]);
  expect(both.filter(({ stdout }) => stdout.startsWith(`vault-server is up at ${address}.\n`))).toHaveLength(
    1,
  );
  expect(both.filter(({ stdout }) => stdout.startsWith(`vault-server runs at ${address}.\n`))).toHaveLength(
    1,
  );
  const pid = /vault-server started \(pid (\d+)\)/.exec(both.map(({ stderr }) => stderr).join(""))?.[1];
  expect((await run(["down"])).stdout).toBe(`vault-server (pid ${pid}) is stopped.\n`);
});

test("a second down lets end what the first one lets end", async () => {
  await run(["up"], `${PASSWORD}\n`);
  const { hostname, port } = new URL(address);
  const call = connect(Number(port), hostname);
  const answer = text(call);
  const [head, body] = ["POST /auth/unlock HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", "{}"];
  call.write(`${head}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`);
  await delay(100);
  const first = run(["down"]);
  while ((await run(["health"])).code === 0);
  const second = run(["down", "--data-dir", dataDir]);
  await delay(700);
  call.end(body);
  expect(await answer).toMatch(/^HTTP\/1\.1 400 /);
  expect([await first, await second]).toMatchObject([{ code: 0 }, { code: 0 }]);
  expect(readFileSync(join(dataDir, "vault-server.log"), "utf8")).toMatch(/ stopped\n$/);
});

test("up says why a server does not start, and starts none on a port that is somebody else's", async () => {
  const refused = await run(["up", "--", "--no-such-flag"], PASSWORD);
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toContain("vault-server did not start (its log is ");
  expect(refused.stderr).toContain("--no-such-flag");
  expect(await run(["up", "--", "--listen=127.0.0.1:1"], PASSWORD)).toMatchObject({ code: 2 });
  expect(await run(["up", "--addr", "https://vault.example"], PASSWORD)).toMatchObject({ code: 2 });
  const other = await listening(Number(new URL(address).port));
  const taken = await run(["up"], PASSWORD);
  expect(taken).toMatchObject({ code: 1, stdout: "" });
  expect(taken.stderr).toContain(`something else than vault-server listens at ${address}`);
  other.close();
  expect(existsSync(join(dataDir, "vault.enc"))).toBe(false);
});

test("up gives the password of one vault to no server of another", async () => {
  expect(await run(["up"], `${PASSWORD}\n`)).toMatchObject({ code: 0 });
  const other = join(directory.path, "other");
  const refused = await run(["up", "--data-dir", other], `${PASSWORD}\n`);
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toContain(`is another vault's: it does not hold ${other}`);
  expect(existsSync(other)).toBe(false);
});

test("down stops no other server than the one whose address was given", async () => {
  expect(await run(["up"], `${PASSWORD}\n`)).toMatchObject({ code: 0 });
  const other = createHttpServer((_, response) => response.end(HEALTH)).listen(0, "127.0.0.1");
  await once(other, "listening");
  const taken = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  const free = "http://127.0.0.1:1";
  for (const elsewhere of [taken, free, "https://vault.example"]) {
    for (const refused of [
      await run(["down"], "", { VAULT_ADDR: elsewhere }),
      await run(["down", "--addr", elsewhere, "--data-dir", dataDir]),
    ]) {
      expect(refused).toMatchObject({ code: 1, stdout: "" });
      expect(refused.stderr).toContain(`is not the one at ${elsewhere}: nothing was stopped`);
    }
  }
  expect(await run(["health"])).toMatchObject({ code: 0 });
  other.close();
  // Who names the data directory has said which server is meant.
  const named = await run(["down", "--data-dir", dataDir], "", { VAULT_ADDR: free });
  expect(named.stdout).toContain("is stopped.");
});

test("down stops a server on a unix socket that was given, and none behind another socket", async () => {
  const socket = `unix:${join(directory.path, "v.sock")}`;
  expect(await run(["up", "--addr", socket], `${PASSWORD}\n`)).toMatchObject({ code: 0 });
  expect(await run(["down", "--addr", `${socket}2`])).toMatchObject({ code: 1 });
  expect((await run(["down", "--addr", socket])).stdout).toContain("is stopped.");
});
