import { expect, test } from "vitest";
import type { PartialMatch } from "../scrubbing/partial-match.js";
import type { TokenRecord } from "../tokens/token-record.js";
import { watchGuesses } from "./guess-watch.js";
import { RangeLimit } from "./range-limit.js";

function setUp(name: string) {
  const causes: unknown[] = [];
  const warnings: object[] = [];
  const ranges = new RangeLimit();
  const quiet = (): void => undefined;
  const watch = watchGuesses(
    {
      strikeOnce: (_token, cause) => causes.push(cause),
      now: () => 5,
      log: { debug: quiet, info: quiet, warn: (fields) => warnings.push(fields), error: quiet },
    },
    { token: { id_prefix: "vp_abc" } as TokenRecord, route: { name, ranges }, requestId: "r" },
  );
  return { watch, causes, warnings, ranges };
}

test("each length at each place in each service is a strike of its own, and a warning", () => {
  const matches: PartialMatch[] = [
    { at: "inside", length: 10 },
    { at: "inside", length: 11 },
    { at: "end", length: 10 },
    { at: "start", length: 10 },
  ];
  const all = ["api", "other"].flatMap((name) => {
    const { watch, causes, warnings } = setUp(name);
    for (const match of matches) watch(match);
    expect(warnings).toHaveLength(4);
    expect(warnings[1]).toEqual({
      ...{ request_id: "r", service: name, token: "vp_abc", where: "inside", characters: 11 },
    });
    return causes;
  });
  expect(new Set(all).size).toBe(8);
});

test("three at edges close the service to ranges, others do not", () => {
  const { watch, ranges } = setUp("api");
  for (let length = 10; length < 20; length += 1) watch({ at: "inside", length });
  watch({ at: "end", length: 10 });
  watch({ at: "start", length: 10 });
  expect(ranges.isOpen(5)).toBe(true);
  watch({ at: "end", length: 11 });
  expect(ranges.isOpen(5)).toBe(false);
});
