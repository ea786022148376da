import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { definition, HOUR, world } from "./testing/token-world.js";

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse("2026-03-01T12:00:00Z") });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A world where another save is under way when the answer to the first refresh, with `rt-1`, has come. */
async function waitingForDisk(first = definition()) {
  const all = world(first);
  const release = all.holdSaves();
  const other = all.changeNothing();
  const waiting = Promise.resolve(all.source.current());
  await all.settle();
  all.asked[0]?.answer(all.token("rt-1"));
  await all.settle();
  return { ...all, release, other, waiting };
}

describe("a rotated token that came before a lock, and waits for the disk", () => {
  test("is what the lock can wait for", async () => {
    const { keeper, release, waiting, stored, settle } = await waitingForDisk();
    let isSaved = false;
    void keeper.saved().then(() => (isSaved = true));
    await settle();
    expect(isSaved).toBe(false);
    release();
    await settle();
    expect(isSaved).toBe(true);
    expect(await waiting).toBe("at-1");
    expect(stored("refresh_token")).toBe("rt-1");
  });

  test.each([
    ["without another one", definition(), "rt-0"],
    [
      "while the one before still lives",
      definition({ access_token: "old", expires_at: Date.parse("2026-03-01T12:00:10Z") / 1000 }),
      "rt-0",
    ],
  ])("is not used if the lock refuses it, %s", async (_, first, expected) => {
    const { closeVault, release, waiting, stored, told, settle } = await waitingForDisk(first);
    const refused = expect(waiting).rejects.toMatchObject({ code: "vault_locked" });
    const closed = closeVault();
    await settle();
    release();
    await Promise.all([refused, closed]);
    expect(stored("refresh_token")).toBe(expected);
    expect(told).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("a definition that brings a spent refresh token back", () => {
  const again = () => ({ ...definition(), description: "again" });

  test("after the new one was saved, keeps the new one", async () => {
    const { source, asked, token, put, stored, settle } = world();
    const first = source.current();
    await settle();
    asked[0]?.answer(token("rt-1"));
    await first;
    for (const turn of [1, 2]) {
      await put(again());
      await settle();
      expect(stored("refresh_token")).toBe(`rt-${turn}`);
      const next = source.current();
      await settle();
      expect(asked[turn]?.refreshToken).toBe(`rt-${turn}`);
      asked[turn]?.answer(token(`rt-${turn + 1}`));
      await next;
    }
  });

  test("is taken as it is for another client, whose refresh token it may be", async () => {
    const { source, asked, token, put, stored, settle } = world();
    const first = source.current();
    await settle();
    asked[0]?.answer(token("rt-1"));
    await first;
    await put(definition({ client_id: "other" }));
    await settle();
    expect(stored("refresh_token")).toBe("rt-0");
  });

  test("in one save with the new one, does not end with the old one on disk", async () => {
    const { release, waiting, other, put, stored, source, asked, settle } = await waitingForDisk();
    const posted = put(again());
    release();
    await Promise.all([waiting, other, posted]);
    await settle();
    expect(stored("refresh_token")).toBe("rt-1");
    await vi.advanceTimersByTimeAsync(HOUR * 1000);
    void source.current();
    expect(asked[1]?.refreshToken).toBe("rt-1");
  });
});
