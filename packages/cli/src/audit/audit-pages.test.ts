import type { AuditEntry, AuditOptions, AuditPage } from "@vault-proxy/client";
import { describe, expect, test } from "vitest";
import { allEntries, latestEntries } from "./audit-pages.js";

/** A log that gives pages of `size` at most. */
function logOf(count: number, size: number) {
  const log: AuditEntry[] = [];
  const write = (more: number): void => {
    for (let turn = 0; turn < more; turn += 1)
      log.push({ seq: log.length + 1, time: "2030-01-01T00:00:00Z", action: "proxy" });
  };
  write(count);
  const asked: AuditOptions[] = [];
  return {
    asked,
    write,
    listAudit(options: AuditOptions = {}): Promise<AuditPage> {
      asked.push(options);
      const { limit = 100, before = Infinity } = options;
      const entries = log
        .filter(({ seq }) => seq < before)
        .toReversed()
        .slice(0, Math.min(limit, size));
      const next = entries.at(-1)?.seq;
      return Promise.resolve({ entries, ...(next === undefined || next === 1 ? {} : { next }) });
    },
  };
}

const numbersOf = (entries: readonly AuditEntry[]): number[] => entries.map(({ seq }) => seq);

describe("the latest entries", () => {
  test("come oldest first, over as many pages as they take", async () => {
    expect(numbersOf(await latestEntries(logOf(20, 3), {}, 7))).toEqual([14, 15, 16, 17, 18, 19, 20]);
  });

  test("are none from before the time that they are wanted since", async () => {
    const log = logOf(4, 2);
    const since = Date.parse("2030-01-01T00:00:00Z");
    expect(numbersOf(await latestEntries(log, {}, Infinity, since))).toEqual([1, 2, 3, 4]);
    log.asked.length = 0;
    expect(await latestEntries(log, {}, Infinity, since + 1)).toEqual([]);
    expect(log.asked).toHaveLength(1);
    const given = async (sinceMs: number): Promise<AuditEntry[]> => {
      const entries: AuditEntry[] = [];
      for await (const entry of allEntries(log, {}, sinceMs)) entries.push(entry);
      return entries;
    };
    expect([(await given(since)).length, (await given(since + 1)).length]).toEqual([4, 0]);
  });

  test("are all there are where there are fewer", async () => {
    expect(numbersOf(await latestEntries(logOf(2, 3), {}, 7))).toEqual([1, 2]);
    expect(await latestEntries(logOf(0, 3), {}, 7)).toEqual([]);
  });

  test("are asked for with the filter, and no more of them than are missing", async () => {
    const log = logOf(20, 3);
    await latestEntries(log, { service: "api" }, 5);
    expect(log.asked).toEqual([
      { service: "api", limit: 5 },
      { service: "api", limit: 2, before: 18 },
    ]);
  });
});

describe("all entries", () => {
  test("come oldest first, each once, over pages that are short", async () => {
    const given: number[] = [];
    for await (const { seq } of allEntries(logOf(20, 3), {})) given.push(seq);
    expect(given).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  });

  test("are those that were there when it began", async () => {
    const log = logOf(10, 4);
    const given: number[] = [];
    for await (const { seq } of allEntries(log, {})) {
      log.write(3);
      given.push(seq);
    }
    expect(given).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  test("of an empty log are none", async () => {
    for await (const { seq } of allEntries(logOf(0, 3), {})) expect.fail(`there is entry ${seq}`);
  });
});
