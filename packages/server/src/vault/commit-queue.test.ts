import { describe, expect, test } from "vitest";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { createCommitQueue } from "./commit-queue.js";

/** A queue over a list of numbers, whose saves end when the test says so. */
function numberQueue(maxWaiting = 1000) {
  let committed: readonly number[] = [];
  const saves: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const queue = createCommitQueue<number[]>(
    {
      begin: () => [...committed],
      commit: (draft) =>
        new Promise<void>((resolve, reject) => {
          saves.push({
            resolve: () => {
              committed = draft;
              resolve();
            },
            reject,
          });
        }),
    },
    maxWaiting,
  );
  const add = (value: number) => queue.submit((draft) => draft.push(value));
  return { queue, add, saves, committed: () => committed };
}

const turns = async () => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};

describe("a commit queue", () => {
  test("saves what is made together at once, and what comes during a save with the next", async () => {
    const { add, saves, committed } = numberQueue();
    const first = [add(1), add(2)];
    await turns();
    const second = [add(3), add(4), add(5)];
    await turns();
    expect(saves).toHaveLength(1);
    saves[0]!.resolve();
    expect(await Promise.all(first)).toEqual([1, 2]);
    await turns();
    expect(saves).toHaveLength(2);
    expect(committed()).toEqual([1, 2]);
    saves[1]!.resolve();
    expect(await Promise.all(second)).toEqual([3, 4, 5]);
    expect(committed()).toEqual([1, 2, 3, 4, 5]);
  });

  test("drops a change that throws, and that one alone", async () => {
    const { queue, add, saves, committed } = numberQueue();
    const good = add(1);
    const bad = queue.submit(() => {
      throw new RangeError("no");
    });
    await expect(bad).rejects.toThrow(RangeError);
    saves[0]!.resolve();
    await good;
    expect(committed()).toEqual([1]);
  });

  test("does not save when every change threw, and goes on", async () => {
    const { queue, add, saves } = numberQueue();
    const bad = queue.submit(() => {
      throw new RangeError("no");
    });
    await expect(bad).rejects.toThrow(RangeError);
    expect(saves).toHaveLength(0);
    const good = add(1);
    await turns();
    saves[0]!.resolve();
    await expect(good).resolves.toBe(1);
  });

  test("rejects all of a group whose save failed, and goes on with the state before it", async () => {
    const { add, saves, committed } = numberQueue();
    const group = [add(1), add(2)];
    await turns();
    const later = add(3);
    saves[0]!.reject(new Error("disk"));
    for (const one of group) await expect(one).rejects.toThrow("disk");
    await turns();
    saves[1]!.resolve();
    await later;
    expect(committed()).toEqual([3]);
  });

  test("when closed lets the running save end, and rejects what waits and what comes", async () => {
    const { queue, add, saves, committed } = numberQueue();
    const running = add(1);
    await turns();
    const waiting = add(2);
    let isClosed = false;
    const closed = queue.close(new VaultProxyError("vault_locked", "locked")).then(() => (isClosed = true));
    await expect(waiting).rejects.toThrow("locked");
    await expect(add(3)).rejects.toThrow("locked");
    expect(isClosed).toBe(false);
    saves[0]!.resolve();
    await running;
    await closed;
    expect(committed()).toEqual([1]);
  });

  test("refuses more than may wait", async () => {
    const { add, saves } = numberQueue(2);
    const kept = [add(1), add(2)];
    await expect(add(3)).rejects.toMatchObject({ code: "unavailable", retryAfterSeconds: 1 });
    await turns();
    saves[0]!.resolve();
    await Promise.all(kept);
  });
});
