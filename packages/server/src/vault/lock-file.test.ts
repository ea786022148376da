import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, readdir, rename, rm, stat, symlink, unlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { LOCK_FILE, takeLock, type LockFile, type LockTiming } from "./lock-file.js";
import { livenessOf, ownIdentity, parseStat, type ProcessIdentity } from "./process-identity.js";
import { withTemporaryDirectory } from "./testing/temporary-vault.js";

const QUICK: LockTiming = { heartbeatMs: 20, silenceMs: 200, pollMs: 10 };

/** The identity of a process that ran here and has ended, and of one that has been killed but not waited for. */
async function endedProcess(): Promise<ProcessIdentity> {
  const child = spawn("sleep", ["60"]);
  await once(child, "spawn");
  const identity = { ...(await ownIdentity()), ...(await identityOf(child.pid!)) };
  child.kill("SIGKILL");
  await once(child, "exit");
  return identity;
}

async function identityOf(pid: number): Promise<{ pid: number; startTime: string }> {
  return { pid, startTime: parseStat(await readFile(`/proc/${pid}/stat`, "latin1"))!.startTime };
}

function lockText(identity: ProcessIdentity, nonce: string): string {
  return JSON.stringify({
    pid: identity.pid,
    start_time: identity.startTime,
    boot_id: identity.bootId,
    pid_namespace: identity.pidNamespace,
    nonce,
  });
}

const nonceOf = (digit: string) => digit.repeat(32);

async function leaveLock(
  directory: string,
  identity: ProcessIdentity,
  nonce = nonceOf("a"),
  name = LOCK_FILE,
) {
  await writeFile(join(directory, name), lockText(identity, nonce), { mode: 0o600 });
}

async function expectFree(directory: string): Promise<void> {
  const lock = await takeLock(directory, QUICK);
  await lock.assertHeld();
  expect(await readdir(directory)).toEqual([LOCK_FILE]);
  await lock.release();
  expect(await readdir(directory)).toEqual([]);
}

describe("the lock of a data directory", () => {
  test("is held by one, who is named to the others, and free again after release", () =>
    withTemporaryDirectory(async (directory) => {
      const lock = await takeLock(directory, QUICK);
      expect((await stat(join(directory, LOCK_FILE))).mode & 0o777).toBe(0o600);
      await expect(takeLock(directory, QUICK)).rejects.toMatchObject({
        code: "conflict",
        message: expect.stringContaining(`pid ${process.pid}`) as string,
      });
      expect(await readdir(directory)).toEqual([LOCK_FILE]);
      await lock.release();
      await expectFree(directory);
    }));

  test("is refused while another process holds it", () =>
    withTemporaryDirectory(async (directory) => {
      const child = spawn("sleep", ["60"]);
      try {
        await once(child, "spawn");
        await leaveLock(directory, { ...(await ownIdentity()), ...(await identityOf(child.pid!)) });
        await expect(takeLock(directory, QUICK)).rejects.toMatchObject({
          code: "conflict",
          message: expect.stringContaining(`pid ${child.pid}`) as string,
        });
      } finally {
        child.kill("SIGKILL");
        await once(child, "exit");
      }
      await expectFree(directory);
    }));

  test("is recovered from a process that has ended", () =>
    withTemporaryDirectory(async (directory) => {
      await leaveLock(directory, await endedProcess());
      await expectFree(directory);
    }));

  test("is recovered when the pid now belongs to another process, as in a container where it is always 1", () =>
    withTemporaryDirectory(async (directory) => {
      await leaveLock(directory, { ...(await ownIdentity()), startTime: "1" });
      await expectFree(directory);
    }));

  test("is recovered after a reboot", () =>
    withTemporaryDirectory(async (directory) => {
      await leaveLock(directory, { ...(await ownIdentity()), bootId: "of another boot" });
      await expectFree(directory);
    }));

  test("of another boot id is respected while its heart beats: the directory may be shared by two hosts", () =>
    withTemporaryDirectory(async (directory) => {
      const path = join(directory, LOCK_FILE);
      for (const bootId of ["of another host", null]) {
        await leaveLock(directory, { ...(await ownIdentity()), bootId });
        const heart = setInterval(() => void utimes(path, new Date(), new Date()), QUICK.heartbeatMs);
        await expect(takeLock(directory, QUICK)).rejects.toMatchObject({ code: "conflict" });
        clearInterval(heart);
        await unlink(path);
      }
    }));

  test("clears away what dead starters left, and nothing of somebody else's", () =>
    withTemporaryDirectory(async (directory) => {
      const leftOvers = [`${LOCK_FILE}.${"0a".repeat(16)}`, `${LOCK_FILE}.after-${"0a".repeat(16)}`];
      const kept = [`${LOCK_FILE}.monday`, "vault.locker"];
      for (const name of [...leftOvers, ...kept]) await writeFile(join(directory, name), "");
      await (await takeLock(directory, QUICK)).release();
      expect((await readdir(directory)).sort()).toEqual(kept.sort());
    }));

  test("is recovered when the file holds nothing that can be read", () =>
    withTemporaryDirectory(async (directory) => {
      await writeFile(join(directory, LOCK_FILE), "");
      await expectFree(directory);
    }));

  test("of another pid namespace is respected while its heart beats, and recovered when it has stopped", () =>
    withTemporaryDirectory(async (directory) => {
      const path = join(directory, LOCK_FILE);
      await leaveLock(directory, { ...(await ownIdentity()), pidNamespace: "pid:[1]" });
      const heart = setInterval(() => void utimes(path, new Date(), new Date()), QUICK.heartbeatMs);
      await expect(takeLock(directory, QUICK)).rejects.toMatchObject({ code: "conflict" });
      clearInterval(heart);
      await expectFree(directory);
    }));

  test("is not taken from a successor that came between the look and the claim", () =>
    withTemporaryDirectory(async (directory) => {
      const path = join(directory, LOCK_FILE);
      await leaveLock(directory, { ...(await ownIdentity()), pidNamespace: "pid:[1]" }, nonceOf("a"));
      const { mtime } = await stat(path);
      await utimes(path, mtime, mtime);
      const starting = takeLock(directory, QUICK);
      const refused = expect(starting).rejects.toMatchObject({ code: "conflict" });
      await new Promise((resolve) => setTimeout(resolve, QUICK.silenceMs / 2));
      // The successor's file looks as old, so that the watcher takes it for the silent one that it watched.
      await leaveLock(directory, await ownIdentity(), nonceOf("b"), "successor");
      await utimes(join(directory, "successor"), mtime, mtime);
      await rename(join(directory, "successor"), path);
      await refused;
      expect(await readFile(path, "utf8")).toContain(nonceOf("b"));
      expect(await readdir(directory)).toEqual([LOCK_FILE]);
    }));

  test("has a heart that beats until it is released", () =>
    withTemporaryDirectory(async (directory) => {
      const lock = await takeLock(directory, QUICK);
      const path = join(directory, LOCK_FILE);
      const first = (await stat(path)).mtimeMs;
      await expect.poll(async () => (await stat(path)).mtimeMs).toBeGreaterThan(first);
      await lock.release();
    }));

  test("is recovered after a successor died half way, and one after that", () =>
    withTemporaryDirectory(async (directory) => {
      const dead = await endedProcess();
      await leaveLock(directory, dead, nonceOf("a"));
      await leaveLock(directory, dead, nonceOf("b"), `${LOCK_FILE}.after-${nonceOf("a")}`);
      await leaveLock(directory, dead, nonceOf("c"), `${LOCK_FILE}.after-${nonceOf("b")}`);
      await expectFree(directory);
    }));

  test("is refused while a living successor is recovering it", () =>
    withTemporaryDirectory(async (directory) => {
      await leaveLock(directory, await endedProcess(), nonceOf("a"));
      await leaveLock(directory, await ownIdentity(), nonceOf("b"), `${LOCK_FILE}.after-${nonceOf("a")}`);
      await expect(takeLock(directory, QUICK)).rejects.toMatchObject({ code: "conflict" });
    }));

  test("is won by exactly one of many starters that find it stale", async () => {
    const dead = await endedProcess();
    for (let round = 0; round < 20; round += 1) {
      await withTemporaryDirectory(async (directory) => {
        if (round % 2 === 0) await leaveLock(directory, dead);
        const starts = await Promise.allSettled(Array.from({ length: 12 }, () => takeLock(directory, QUICK)));
        const winners = starts.flatMap((start): LockFile[] =>
          start.status === "fulfilled" ? [start.value] : [],
        );
        expect(winners).toHaveLength(1);
        for (const start of starts) {
          if (start.status === "rejected") expect(start.reason).toMatchObject({ code: "conflict" });
        }
        await winners[0]!.assertHeld();
        await winners[0]!.release();
      });
    }
  });

  test("that somebody removed is made again, and keeps others out", () =>
    withTemporaryDirectory(async (directory) => {
      const lock = await takeLock(directory, QUICK);
      await rm(join(directory, LOCK_FILE));
      await lock.assertHeld();
      await expect(takeLock(directory, QUICK)).rejects.toMatchObject({ code: "conflict" });
      await lock.release();
      expect(await readdir(directory)).toEqual([]);
    }));

  test("that another server has taken over is not held any more, and not removed on release", () =>
    withTemporaryDirectory(async (directory) => {
      const lock = await takeLock(directory, QUICK);
      await leaveLock(directory, await ownIdentity(), nonceOf("f"));
      await expect(lock.assertHeld()).rejects.toMatchObject({ code: "conflict" });
      await lock.release();
      expect(await readdir(directory)).toEqual([LOCK_FILE]);
    }));

  test("is refused where a link stands in its place", () =>
    withTemporaryDirectory(async (directory) => {
      await symlink("/nowhere", join(directory, LOCK_FILE));
      await expect(takeLock(directory, QUICK)).rejects.toMatchObject({ code: "storage_failed" });
    }));

  test("needs a directory that can be written", async () => {
    await expect(takeLock("/proc", QUICK)).rejects.toMatchObject({ code: "storage_failed" });
  });
});

describe("a process", () => {
  test("is found by its start time behind any program name", () => {
    const fields = Array.from({ length: 30 }, (_, index) => String(index + 3));
    fields[0] = "S";
    for (const name of ["node", "a b", "x) R 1 2 (y", ")"]) {
      expect(parseStat(`42 (${name}) ${fields.join(" ")}`)).toEqual({ startTime: "22", hasEnded: false });
    }
    fields[0] = "Z";
    expect(parseStat(`42 (node) ${fields.join(" ")}`)?.hasEnded).toBe(true);
    expect(parseStat("")).toBeUndefined();
  });

  test("that was killed but not waited for is dead", async () => {
    // The shell replaces itself by a program that never waits for its child.
    const parent = spawn("sh", ["-c", "sleep 0.3 & echo $!; exec sleep 60"]);
    try {
      const [line] = (await once(parent.stdout, "data")) as [Buffer];
      const pid = Number(line.toString());
      await expect
        .poll(async () => parseStat(await readFile(`/proc/${pid}/stat`, "latin1"))?.hasEnded)
        .toBe(true);
      const self = await ownIdentity();
      expect(await livenessOf({ ...self, ...(await identityOf(pid)) }, self)).toBe("dead");
    } finally {
      parent.kill("SIGKILL");
      await once(parent, "exit");
    }
  });

  test("of the same pid and start time is alive, here and now only", async () => {
    const self = await ownIdentity();
    expect(await livenessOf(self, self)).toBe("alive");
    expect(await livenessOf({ ...self, pidNamespace: "pid:[1]" }, self)).toBe("elsewhere");
    expect(await livenessOf({ ...self, pid: 2 ** 22 + 1 }, self)).toBe("dead");
  });
});
