import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { listenForWorkers } from "./relay-socket.js";

let root: string;
let door: Server;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "relay-socket-"));
  door = createServer((socket) => socket.end());
});

afterEach(async () => {
  door.close();
  await rm(root, { recursive: true, force: true });
});

async function directories(dataDir = "data"): Promise<{ dataDir: string; temporaryDir: string }> {
  const made = { dataDir: join(root, dataDir), temporaryDir: join(root, "tmp") };
  for (const path of Object.values(made)) await mkdir(path, { recursive: true });
  return made;
}

test("is in the data directory, for its user only, in place of what a killed server left there", async () => {
  const given = await directories();
  await mkdir(join(given.dataDir, "workers"));
  await chmod(join(given.dataDir, "workers"), 0o755);
  await writeFile(join(given.dataDir, "workers", "owner.sock"), "");
  const socket = await listenForWorkers(door, given);
  expect(dirname(socket.path)).toBe(join(given.dataDir, "workers"));
  expect((await stat(dirname(socket.path))).mode & 0o777).toBe(0o700);
  await once(connect(socket.path).resume(), "close");
  await socket.remove();
  expect(await readdir(given.dataDir)).toEqual([]);
  expect(await readdir(given.temporaryDir)).toEqual([]);
});

test("is in the directory for temporary files where the path of the other is too long for a socket", async () => {
  const given = await directories("d".repeat(100));
  const socket = await listenForWorkers(door, given);
  expect(dirname(dirname(socket.path))).toBe(given.temporaryDir);
  expect(await readdir(given.dataDir)).toEqual([]);
  await once(connect(socket.path).resume(), "close");
  await socket.remove();
  expect(await readdir(given.temporaryDir)).toEqual([]);
});

test("is nowhere if neither directory takes it, and the error says so", async () => {
  const nowhere = join(root, "file");
  await writeFile(nowhere, "");
  await expect(
    listenForWorkers(door, { dataDir: join(nowhere, "data"), temporaryDir: nowhere }),
  ).rejects.toMatchObject({
    code: "storage_failed",
    message: `no socket for the workers can be made, neither in ${nowhere}/data/workers nor in ${nowhere}`,
  });
});
