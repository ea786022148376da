import { rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Mounts, type Mount } from "../durability/mounts.js";
import { requireSurroundings } from "../durability/surroundings.js";
import { temporaryDirectory } from "../live/processes.js";
import { call, unlock } from "../live/vault-calls.js";
import { startRefreshWorld, type RefreshWorld } from "./refresh-world.js";
import { startScriptedTokenEndpoint, type ScriptedTokenEndpoint } from "./scripted-token-endpoint.js";

/*
 * A rotated refresh token that finds no room on the disk. The provider gives no grace: the old one is worth nothing.
 */

const SAVED_WITHIN_MS = 5000;

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let mounts: Mounts;
let disk: Mount;
let world: RefreshWorld;
let endpoint: ScriptedTokenEndpoint;

beforeEach(async () => {
  requireSurroundings(["root", "mount"]);
  directory = await temporaryDirectory();
  mounts = new Mounts(directory.path);
  disk = await mounts.newTmpfs("1M");
  world = await startRefreshWorld(disk.path);
  endpoint = await startScriptedTokenEndpoint({ certificates: world.certificates });
  await world.addOauth("rotating", endpoint.issuer.refreshToken, endpoint);
  expect((await world.proxy("rotating")).status).toBe(200);
});
afterEach(async () => {
  await world.close();
  await endpoint.close();
  await mounts.unmountAll();
  await directory.remove();
});

const filler = (): string => join(disk.path, "filler");

/** The audit log may write between two looks, and take what was counted as free. */
async function fill(): Promise<void> {
  const { bavail, bsize } = await statfs(disk.path);
  await writeFile(filler(), Buffer.alloc(bavail * bsize)).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  });
  expect((await statfs(disk.path)).bavail).toBe(0);
}

/** A call that needs a new token, and uses the newest. */
async function callAnew(): Promise<void> {
  await world.clock.advance(3600_000);
  const answer = await world.proxy("rotating");
  expect(answer.status, answer.text).toBe(200);
  expect(endpoint.apiCalls.at(-1)?.token).toBe(endpoint.issuer.accessToken);
  expect(endpoint.issuer.isRevoked).toBe(false);
}

async function untilLogged(text: RegExp): Promise<void> {
  const deadline = Date.now() + SAVED_WITHIN_MS;
  while (!text.test(world.log())) {
    if (Date.now() > deadline) throw new Error(`not logged: ${String(text)}\n${world.log()}`);
    await delay(10);
  }
}

const UNSAVED =
  /"level":(?:"warn"|"error"|40|50)[^\n]*rotating[^\n]*|(?:WARN|ERROR)[^\n]*could not be saved/i;
const warnings = (): string[] =>
  world
    .log()
    .split("\n")
    .filter((line) => line.includes("rotating") && /not (?:be )?saved|unsaved|memory only/i.test(line));

test("it works from memory, with a loud warning, and is saved when there is room", async () => {
  await fill();
  await callAnew();
  expect(warnings().length).toBeGreaterThan(0);
  expect(warnings()[0]).toMatch(UNSAVED);
  // The token in memory is the one that is used the next time too.
  await callAnew();
  await callAnew();
  expect((await world.proxy("rotating")).status).toBe(200);

  await rm(filler());
  await world.clock.advance(5 * 60_000);
  await untilLogged(/saved/);
  await delay(200);
  await world.restart("SIGKILL");
  await callAnew();
});

test("it is saved as soon as any change of the vault finds room again", async () => {
  await fill();
  await callAnew();
  await rm(filler());
  await world.add({
    name: "other",
    base_url: "https://api.example.test",
    auth: { type: "bearer", token: "some-other-token" },
  });
  await delay(300);
  await world.restart("SIGKILL");
  await callAnew();
});

test("a lock and a stop save it too, if they can", async () => {
  await fill();
  await callAnew();
  await rm(filler());
  const { address } = world.clock.server;
  expect((await call(address, "POST", "/auth/lock", { token: world.admin, body: "{}" })).status).toBe(200);
  await unlock(world.clock.server);
  await callAnew();

  await fill();
  await callAnew();
  await rm(filler());
  await world.restart("SIGTERM");
  await callAnew();
});
