import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cleanEnvironment, startServer, temporaryDirectory } from "../live/processes.js";
import { unlock } from "../live/vault-calls.js";
import { WRITER } from "./bundled-writer.js";
import { Mounts, type DiskImage } from "./mounts.js";
import { contentsAfter } from "./numbered-changes.mjs";
import { newSeed, seededRandom } from "./seeded-random.js";
import { requireSurroundings } from "./surroundings.js";
import { byForm } from "./torture.js";
import { contentsOf } from "./vault-contents.js";
import { OLD_PASSWORD } from "./writer-constants.mjs";

const WRITERS = byForm(2, 10);
const CUTS_A_WRITER = byForm(5, 10);
const DISK_MEBIBYTES = 32;
const LONGEST_WAIT_MS = 120;
const COPY_TRIES = 20;

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let mounts: Mounts;
let writer: ChildProcess | undefined;

beforeAll(async () => {
  directory = await temporaryDirectory();
  mounts = new Mounts(directory.path);
  requireSurroundings(["root", "mount", "mkfs.ext4", "losetup"]);
});
afterAll(async () => {
  if (writer !== undefined) await end(writer);
  await mounts.unmountAll();
  await directory.remove();
});

interface Cut {
  readonly image: string;
  readonly firstChange: number;
  /** The last change that was acknowledged before the power went. */
  readonly acknowledged: number;
}

test("after a power cut every change that was acknowledged is there", { timeout: 900_000 }, async () => {
  const seed = newSeed();
  const random = seededRandom(seed);
  let cuts = 0;
  const lost: string[] = [];
  let ahead = 0;
  let tornCopies = 0;
  let saves = 0;
  for (let turn = 0; turn < WRITERS; turn += 1) {
    const disk = await mounts.newDisk(DISK_MEBIBYTES);
    const said = join(directory.path, `said-${turn}`);
    // Change 1 is a large file: half of the writers save megabytes at a time, the others as often as they can.
    const firstChange = 1 + (turn % 2);
    writer = startWriter(join(disk.path, "data"), firstChange, said);
    await waitFor(() => lastAcknowledged(said) > firstChange);
    const taken: Cut[] = [];
    while (taken.length < CUTS_A_WRITER) {
      await delay(random() * LONGEST_WAIT_MS);
      const image = join(directory.path, `cut-${turn}-${taken.length}.ext4`);
      const cut = await cutPower(writer, disk, image, said);
      if (cut === undefined) tornCopies += 1;
      else taken.push({ ...cut, firstChange });
      expect(tornCopies).toBeLessThan(COPY_TRIES * (turn + 1));
    }
    saves += lastAcknowledged(said);
    // Only now: a copy's lock names a process that must have died.
    await end(writer);
    await disk.unmount();
    for (const [index, cut] of taken.entries()) {
      const loss = await lossOf(cut, index === 0);
      if (loss === "ahead") ahead += 1;
      else if (loss !== undefined) lost.push(`cut ${cuts}: ${loss}`);
      cuts += 1;
      await rm(cut.image);
    }
  }
  console.log(
    `power cuts: ${cuts}, lost something: ${lost.length}; ${ahead} held one change more than was acknowledged; ` +
      `${saves} saves, ${tornCopies} copies thrown away because the disk was busy; seed ${seed}`,
  );
  expect(lost).toEqual([]);
});

/** The power goes at one moment for everything: so the writer is stopped, and the disk must be still, for the copy. */
async function cutPower(
  child: ChildProcess,
  disk: DiskImage,
  image: string,
  said: string,
): Promise<Omit<Cut, "firstChange"> | undefined> {
  child.kill("SIGSTOP");
  try {
    await waitFor(() => isStopped(child));
    const acknowledged = lastAcknowledged(said);
    return (await disk.copyTo(image)) ? { image, acknowledged } : undefined;
  } finally {
    child.kill("SIGCONT");
  }
}

/** What is missing after the cut, `ahead` if the change under way had come through, or undefined if all is as said. */
async function lossOf(
  { image, firstChange, acknowledged }: Cut,
  withServer: boolean,
): Promise<string | undefined> {
  const mount = await mounts.mountImage(image);
  try {
    const dataDir = join(mount.path, "data");
    // A start of the real server, which finds the lock of the dead writer.
    if (withServer) await startAndUnlock(dataDir);
    const found = await contentsOf(dataDir, OLD_PASSWORD);
    const after = (last: number): string =>
      canonical(
        contentsAfter(Array.from({ length: last - firstChange + 1 }, (_, index) => firstChange + index)),
      );
    const text = canonical(found);
    if (text === after(acknowledged)) return undefined;
    if (text === after(acknowledged + 1)) return "ahead";
    return `change ${acknowledged} was acknowledged; found ${text.slice(0, 300)}`;
  } catch (error) {
    return `change ${acknowledged} was acknowledged; ${String(error)}`;
  } finally {
    await mount.unmount();
  }
}

async function startAndUnlock(dataDir: string): Promise<void> {
  const server = await startServer({ dataDir, derivation: "real" });
  try {
    await unlock(server, OLD_PASSWORD);
  } finally {
    await server.stop();
  }
}

/** JSON with the names in order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) =>
    typeof part === "object" && part !== null
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

function startWriter(dataDir: string, firstChange: number, said: string): ChildProcess {
  const output = openSync(said, "w");
  try {
    return spawn(process.execPath, [WRITER, dataDir, JSON.stringify(["unlock", firstChange, "on"])], {
      stdio: ["ignore", output, "inherit"],
      env: cleanEnvironment(),
    });
  } finally {
    closeSync(output);
  }
}

function lastAcknowledged(said: string): number {
  const lines = readFileSync(said, "utf8").split("\n").slice(0, -1);
  const failed = lines.find((line) => line.startsWith("failed"));
  if (failed !== undefined) throw new Error(failed);
  return Math.max(0, ...lines.map((line) => Number(/^done (\d+)$/.exec(line)?.[1] ?? 0)));
}

/** Every thread of it: one that waits for the disk stops when that is done. */
function isStopped({ pid }: ChildProcess): boolean {
  const tasks = `/proc/${pid ?? 0}/task`;
  return readdirSync(tasks).every((tid) =>
    /^State:\s+T/m.test(readFileSync(`${tasks}/${tid}/status`, "utf8")),
  );
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "close");
  child.kill("SIGKILL");
  await ended;
}

async function waitFor(isTrue: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!isTrue()) {
    if (Date.now() > deadline) throw new Error("waited in vain");
    await delay(2);
  }
}
