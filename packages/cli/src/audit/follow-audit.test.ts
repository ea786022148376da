import type { AuditEntry, AuditOptions, AuditPage } from "@vault-proxy/client";
import { expect, test } from "vitest";
import { followAudit } from "./follow-audit.js";

test("an interruption between two polls is told as what it is", async () => {
  const client = { listAudit: () => Promise.resolve({ entries: [] }) };
  const ends = new AbortController();
  const reason = new Error("interrupted");
  setTimeout(() => ends.abort(reason), 10);
  const options = { tail: 1, signal: ends.signal, pollMs: 60_000 };
  await expect(followAudit(client, {}, options).next()).rejects.toBe(reason);
});

test("of what is too old nothing is given", async () => {
  const now = Date.parse("2030-01-02T00:00:00Z");
  const log = [1, 2, 3].map((seq) => ({ seq, time: `2030-01-0${seq}T00:00:00Z`, action: "proxy" }));
  const client = {
    listAudit: ({ before, limit }: AuditOptions = {}): Promise<AuditPage> => {
      const entries = log.filter(({ seq }) => seq < (before ?? Infinity)).reverse();
      return Promise.resolve({ entries: entries.slice(0, limit) });
    },
  };
  const ends = new AbortController();
  const options = { tail: Infinity, sinceMs: now, signal: ends.signal, pollMs: 1 };
  const entries = followAudit(client, {}, options);
  expect([(await entries.next()).value, (await entries.next()).value]).toMatchObject([
    { seq: 2 },
    { seq: 3 },
  ]);
  log.push({ seq: 4, time: "2030-01-04T00:00:00Z", action: "proxy" });
  expect((await entries.next()).value).toMatchObject({ seq: 4 });

  const older = followAudit(client, {}, { ...options, sinceMs: Date.parse("2031-01-01T00:00:00Z") });
  const first = older.next();
  setTimeout(() => log.push({ seq: 5, time: "2031-01-01T00:00:00Z", action: "proxy" }), 10);
  expect((await first).value).toMatchObject({ seq: 5 });
  ends.abort();
});

test("what is there is given from the oldest, then each entry once, over pages", async () => {
  const log: AuditEntry[] = [];
  const write = (count: number): void => {
    for (let turn = 0; turn < count; turn += 1)
      log.push({ seq: log.length + 1, time: "2030-01-01T00:00:00Z", action: "proxy" });
  };
  const client = {
    listAudit({ limit = 100, before = Infinity }: AuditOptions = {}): Promise<AuditPage> {
      const size = Math.min(limit, 3);
      const entries = log
        .filter(({ seq }) => seq < before)
        .toReversed()
        .slice(0, size);
      const next = entries.at(-1)?.seq;
      return Promise.resolve({ entries, ...(next === undefined || next === 1 ? {} : { next }) });
    },
  };
  write(4);
  const ends = new AbortController();
  const given: number[] = [];
  await expect(async () => {
    for await (const { seq } of followAudit(client, {}, { tail: 2, signal: ends.signal, pollMs: 1 })) {
      given.push(seq);
      if (given.length === 2) write(8);
      if (given.length === 10) ends.abort();
    }
  }).rejects.toThrow();
  expect(given).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
});
