import { mkdir, readFile, rmdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { withTemporaryDirectory } from "./testing/temporary-vault.js";
import { LOCK_OUT_FILE, lockOutSeconds, openUnlockAttempts } from "./unlock-attempts.js";
import { UNLOCK_LIMITS } from "./vault-file-limits.js";

async function attemptsIn(directory: string) {
  const warnings: string[] = [];
  const time = { now: 1_900_000_000_000 };
  const open = () =>
    openUnlockAttempts({
      directory,
      clock: () => time.now,
      slowedCallers: new Set(["uid:0"]),
      log: { warn: (_, message) => warnings.push(message) },
    });
  return { attempts: await open(), open, time, warnings };
}

async function failTimes(attempts: { failed(caller: string): Promise<void> }, caller: string, times: number) {
  for (let time = 0; time < times; time += 1) await attempts.failed(caller);
}

describe("unlock attempts", () => {
  test("bar a caller for 30 s after the fifth failure, doubling up to 32 min", async () => {
    expect([1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 2000].map(lockOutSeconds)).toEqual([
      0, 0, 30, 60, 120, 240, 480, 960, 1920, 1920, 1920,
    ]);
    await withTemporaryDirectory(async (directory) => {
      const { attempts, time } = await attemptsIn(directory);
      await failTimes(attempts, "uid:1000", 4);
      attempts.check("uid:1000");
      await attempts.failed("uid:1000");
      for (const seconds of [30, 60, 120]) {
        expect(() => attempts.check("uid:1000")).toThrow(
          expect.objectContaining({ code: "locked_out", retryAfterSeconds: seconds }),
        );
        time.now += seconds * 1000 - 1;
        expect(() => attempts.check("uid:1000")).toThrow(expect.objectContaining({ retryAfterSeconds: 1 }));
        time.now += 1;
        attempts.check("uid:1000");
        await attempts.failed("uid:1000");
      }
    });
  });

  test("are counted by caller, and a success clears only its own count", () =>
    withTemporaryDirectory(async (directory) => {
      const { attempts } = await attemptsIn(directory);
      await failTimes(attempts, "uid:1", 4);
      await failTimes(attempts, "uid:2", 5);
      attempts.check("uid:1");
      await attempts.succeeded("uid:1");
      await failTimes(attempts, "uid:1", 4);
      attempts.check("uid:1");
      expect(() => attempts.check("uid:2")).toThrow(expect.objectContaining({ code: "locked_out" }));
    }));

  test("survive a restart, in a file of mode 0600", () =>
    withTemporaryDirectory(async (directory) => {
      const { attempts, open, time } = await attemptsIn(directory);
      await failTimes(attempts, "uid:1000", 6);
      expect((await stat(join(directory, LOCK_OUT_FILE))).mode & 0o777).toBe(0o600);
      const after = await open();
      expect(() => after.check("uid:1000")).toThrow(expect.objectContaining({ retryAfterSeconds: 60 }));
      time.now += 60_000;
      await after.failed("uid:1000");
      expect(() => after.check("uid:1000")).toThrow(expect.objectContaining({ retryAfterSeconds: 120 }));
      await after.succeeded("uid:1000");
      (await open()).check("uid:1000");
    }));

  test("only slow a trusted caller, to one a second", () =>
    withTemporaryDirectory(async (directory) => {
      const { attempts, time } = await attemptsIn(directory);
      await failTimes(attempts, "uid:0", 50);
      expect(() => attempts.check("uid:0")).toThrow(
        expect.objectContaining({ code: "rate_limited", retryAfterSeconds: 1 }),
      );
      time.now += 1000;
      attempts.check("uid:0");
      await attempts.failed("uid:0");
      await attempts.succeeded("uid:0");
      attempts.check("uid:0");
    }));

  test("do not bar a caller that came to be trusted", () =>
    withTemporaryDirectory(async (directory) => {
      const clock = () => 1_900_000_000_000;
      const log = { warn: () => undefined };
      const before = await openUnlockAttempts({ directory, clock, slowedCallers: new Set(), log });
      await failTimes(before, "uid:0", 5);
      expect(() => before.check("uid:0")).toThrow(expect.objectContaining({ code: "locked_out" }));
      const after = await openUnlockAttempts({ directory, clock, slowedCallers: new Set(["uid:0"]), log });
      after.check("uid:0");
    }));

  test("bar nobody for longer because the clock was set back", () =>
    withTemporaryDirectory(async (directory) => {
      const { attempts, time } = await attemptsIn(directory);
      await failTimes(attempts, "uid:1000", 5);
      time.now -= 365 * 24 * 3_600_000;
      expect(() => attempts.check("uid:1000")).toThrow(expect.objectContaining({ retryAfterSeconds: 30 }));
      await attempts.failed("uid:0");
      time.now -= 3_600_000;
      expect(() => attempts.check("uid:0")).toThrow(expect.objectContaining({ retryAfterSeconds: 1 }));
    }));

  test("remember a bounded number of callers, and those that are barred the longest", () =>
    withTemporaryDirectory(async (directory) => {
      const callers = Array.from({ length: UNLOCK_LIMITS.rememberedCallers }, (_, index) => ({
        caller: `caller ${index}`,
        failures: index === 0 ? 5 : 1,
        barred_until: index === 0 ? 1_900_000_030_000 : 0,
      }));
      await writeFile(join(directory, LOCK_OUT_FILE), JSON.stringify({ version: 1, callers }));
      const { attempts, open } = await attemptsIn(directory);
      await attempts.failed("uid:new");
      const kept = JSON.parse(await readFile(join(directory, LOCK_OUT_FILE), "utf8")) as {
        callers: unknown[];
      };
      expect(kept.callers).toHaveLength(UNLOCK_LIMITS.rememberedCallers);
      expect(kept.callers).not.toContainEqual(expect.objectContaining({ caller: "caller 1" }));
      const after = await open();
      expect(() => after.check("caller 0")).toThrow(expect.objectContaining({ code: "locked_out" }));
    }));

  test("hold in memory when they cannot be written, with a warning", () =>
    withTemporaryDirectory(async (directory) => {
      const { attempts, warnings } = await attemptsIn(directory);
      await mkdir(join(directory, `${LOCK_OUT_FILE}.tmp`));
      await failTimes(attempts, "uid:1000", 5);
      expect(warnings).toHaveLength(5);
      expect(() => attempts.check("uid:1000")).toThrow(expect.objectContaining({ code: "locked_out" }));
      await rmdir(join(directory, `${LOCK_OUT_FILE}.tmp`));
    }));

  test.each(["", "{}", "[1]", '{"version":1,"callers":[{"caller":"x","failures":-1,"barred_until":0}]}'])(
    "begin anew, with a warning, when the file holds %j",
    (text) =>
      withTemporaryDirectory(async (directory) => {
        await writeFile(join(directory, LOCK_OUT_FILE), text);
        const { attempts, warnings } = await attemptsIn(directory);
        attempts.check("x");
        expect(warnings).toHaveLength(1);
      }),
  );
});
