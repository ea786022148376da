import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Collection } from "../vault/collection.js";
import { withTemporaryDirectory } from "../vault/testing/temporary-vault.js";
import { createAuditKeeper, type AuditKeeper } from "./audit-keeper.js";
import type { AuditLog } from "./audit-log.js";
import { AUDIT_SETTINGS, auditKeysOf, auditSettingsRecord, readAuditSettings } from "./audit-settings.js";
import { call, linesOf, openLogIn, putLines } from "./testing/written-log.js";
import { verifyAuditLog } from "./verify-log.js";

let records: Map<string, object>;
/** What the vault's next save fails with. */
let failure: Error | undefined;
let warnings: string[];
let timers: Map<string, () => void>;
let saves: number;
beforeEach(() => {
  records = new Map();
  failure = undefined;
  warnings = [];
  timers = new Map();
  saves = 0;
});

const settings: Pick<Collection<object>, "records" | "change"> = {
  get records() {
    return records;
  },
  async change(mutate) {
    await Promise.resolve();
    if (failure !== undefined) throw failure;
    saves += 1;
    return mutate(records);
  },
};
const stored = () => readAuditSettings(records.get(AUDIT_SETTINGS));

/** Timers run when the test says so. */
function timer(kind: string): (milliseconds: number, task: () => void) => () => void {
  return (milliseconds, task) => {
    const name = `${kind} ${milliseconds} ms`;
    timers.set(name, task);
    return () => void timers.delete(name);
  };
}

let end: () => Promise<void> = () => Promise.resolve();
afterEach(() => end());

async function withKeeper(
  task: (keeper: AuditKeeper, log: AuditLog, directory: string) => Promise<void>,
): Promise<void> {
  await withTemporaryDirectory(async (directory) => {
    const log = await openLogIn(directory);
    end = () => log.close();
    const keeper = createAuditKeeper({
      ...{ log, randomBytes, settings },
      consoleLog: { warn: (_, message) => warnings.push(message) },
      ...{ every: timer("every"), after: timer("after") },
    });
    await task(keeper, log, directory);
  });
}

const macsOf = async (directory: string): Promise<boolean[]> =>
  (await linesOf(directory)).map((line) => "mac" in (JSON.parse(line) as object));
const verified = (directory: string) =>
  verifyAuditLog(directory, { keys: auditKeysOf(stored()), remembered: stored().head });

describe("an unlock", () => {
  test("of a new vault makes it a key, which lines have from then on", async () => {
    await withKeeper(async (keeper, log, directory) => {
      expect(keeper.hasKey).toBe(false);
      keeper.unlocked();
      await keeper.settled();
      expect([keeper.hasKey, stored().secrets.length]).toEqual([true, 1]);
      void log.record(call(1));
      await keeper.remember();
      expect(await macsOf(directory)).toEqual([false, true]);
      expect(await verified(directory)).toMatchObject({ bad: undefined, authenticated: 1 });
    });
  });

  test("takes the key that there is, the last one, and at once", async () => {
    await withKeeper(async (keeper) => {
      keeper.unlocked();
      await keeper.settled();
      await keeper.renewKey();
      const { secrets } = stored();
      expect(secrets).toHaveLength(2);
      keeper.locked();
      keeper.unlocked();
      expect(keeper.hasKey).toBe(true);
      await keeper.settled();
      expect(stored().secrets).toHaveLength(2);
      await keeper.withKeys((keys) => {
        expect(keys.map(({ id }) => id)).toEqual(
          auditKeysOf({ secrets, head: undefined }).map(({ id }) => id),
        );
        return Promise.resolve();
      });
    });
  });

  test("says that the end which the vault remembers is gone", async () => {
    await withKeeper(async (keeper, log, directory) => {
      keeper.unlocked();
      await keeper.settled();
      for (let number = 1; number <= 3; number += 1) void log.record(call(number));
      await keeper.remember();
      keeper.locked();
      await putLines(directory, (await linesOf(directory)).slice(0, 2));
      keeper.unlocked();
      await keeper.settled();
      expect((await linesOf(directory)).at(-1)).toContain('"action":"audit.cut_off"');
    });
  });

  test("says since when nothing was recorded, once", async () => {
    await withKeeper(async (keeper, log, directory) => {
      const since = "2026-11-20T10:00:00.000Z";
      records.set(
        AUDIT_SETTINGS,
        auditSettingsRecord({ secrets: [], head: undefined, unrecordedSince: since }),
      );
      keeper.unlocked();
      await keeper.settled();
      keeper.unlocked();
      await keeper.settled();
      await log.flush();
      const said = (await linesOf(directory)).filter((line) => line.includes('"action":"audit.off"'));
      expect(said).toHaveLength(1);
      expect(said[0]).toContain(since);
      expect(stored().unrecordedSince).toBeUndefined();
    });
  });

  test("of a vault that cannot be saved goes on without a key, and the next look makes one", async () => {
    await withKeeper(async (keeper) => {
      failure = new Error("the disk is full");
      keeper.unlocked();
      await keeper.settled();
      expect([keeper.hasKey, warnings.length]).toEqual([false, 1]);
      failure = undefined;
      await keeper.remember();
      expect(keeper.hasKey).toBe(true);
    });
  });

  test("that is followed by a lock at once leaves no key in the log", async () => {
    await withKeeper(async (keeper, log, directory) => {
      keeper.unlocked();
      keeper.locked();
      await keeper.settled();
      expect(keeper.hasKey).toBe(false);
      void log.record(call(1));
      await log.flush();
      expect(await macsOf(directory)).not.toContain(true);
    });
  });
});

describe("a lock", () => {
  test("ends what is remembered at once, and the MACs a second later", async () => {
    await withKeeper(async (keeper, log, directory) => {
      keeper.unlocked();
      await keeper.settled();
      keeper.locked();
      expect([...timers.keys()]).toEqual(["after 1000 ms"]);
      const before = saves;
      void log.record(call(1));
      await keeper.remember();
      expect(saves).toBe(before);
      expect(await keeper.withKeys((keys) => Promise.resolve(keys.length))).toBe(0);
      timers.get("after 1000 ms")?.();
      void log.record(call(2));
      await log.flush();
      const lines = await linesOf(directory);
      expect(await macsOf(directory)).toEqual([false, true, false]);
      expect(lines.at(-1)).toContain('"action":"audit.late"');
    });
  });

  test("that is followed by an unlock takes no key away later", async () => {
    await withKeeper(async (keeper) => {
      keeper.unlocked();
      await keeper.settled();
      keeper.locked();
      keeper.unlocked();
      await keeper.settled();
      expect([...timers.keys()]).toEqual(["every 60000 ms"]);
    });
  });
});

describe("the end of the log", () => {
  test("is remembered each minute, and saved only if there is more than before", async () => {
    await withKeeper(async (keeper, log) => {
      keeper.unlocked();
      await keeper.settled();
      void log.record(call(1));
      timers.get("every 60000 ms")?.();
      await expect.poll(() => stored().head?.sequence).toBe(2);
      const before = saves;
      await keeper.remember();
      expect(saves).toBe(before);
      void log.record(call(2));
      await keeper.remember();
      expect([stored().head?.sequence, saves]).toEqual([3, before + 1]);
    });
  });

  test("is remembered the next time if the vault could not be saved", async () => {
    await withKeeper(async (keeper, log) => {
      keeper.unlocked();
      await keeper.settled();
      void log.record(call(1));
      failure = new Error("the disk is full");
      await keeper.remember();
      expect(warnings).toEqual(["the vault could not remember the end of the audit log"]);
      failure = undefined;
      await keeper.remember();
      expect(stored().head?.sequence).toBe(2);
    });
  });
});

test("a changed password begins a new key; if that cannot be saved, the former goes on", async () => {
  await withKeeper(async (keeper, log, directory) => {
    keeper.unlocked();
    await keeper.settled();
    void log.record(call(1));
    failure = new Error("the disk is full");
    await keeper.renewKey();
    expect(warnings).toEqual(["the audit log goes on with the key of the password before"]);
    void log.record(call(2));
    failure = undefined;
    await keeper.renewKey();
    void log.record(call(3));
    await keeper.remember();
    expect(await verified(directory)).toMatchObject({ bad: undefined, authenticated: 3 });
    const [first, ...others] = auditKeysOf(stored());
    expect(others).toHaveLength(1);
    expect(await verifyAuditLog(directory, { keys: first === undefined ? [] : [first] })).toMatchObject({
      bad: { line: 4, problem: "mac_unknown_key" },
    });
  });
});
