import { expect, test } from "vitest";
import type { TokenRecord } from "./token-record.js";
import { createTokenUse } from "./token-use.js";

const HOUR = 3_600_000;
const IDLE = 15 * 60_000;

function setUp() {
  const times = { clock: Date.parse("2026-01-01T12:00:00Z"), monotonic: 5 };
  const use = createTokenUse(
    () => times.clock,
    () => times.monotonic,
  );
  const record: TokenRecord = {
    ...{ digest: "d", id_prefix: "tok_x", scope: "admin", idle_timeout_ms: IDLE },
    created_at: new Date(times.clock).toISOString(),
    expires_at: new Date(times.clock + 24 * HOUR).toISOString(),
  };
  return { times, use, record };
}

test("a token is idle as soon after the clock was set back", () => {
  const { times, use, record } = setUp();
  use.note(record);
  times.clock -= HOUR;
  times.monotonic += IDLE - 1;
  expect(use.isIdle(record)).toBe(false);
  times.monotonic += 1;
  expect(use.isIdle(record)).toBe(true);
});

test("a token is idle after a sleep of the machine, in which only the time of day goes on", () => {
  const { times, use, record } = setUp();
  use.note(record);
  times.clock += IDLE - 1;
  expect(use.isIdle(record)).toBe(false);
  times.clock += 1;
  expect(use.isIdle(record)).toBe(true);
});

test("a token that was not used since the start is idle where it was made long before or after now", () => {
  const { times, use, record } = setUp();
  times.clock += 1 - IDLE;
  expect(use.isIdle(record)).toBe(false);
  times.clock -= 1;
  expect(use.isIdle(record)).toBe(true);
  times.clock += 2 * IDLE;
  expect(use.isIdle(record)).toBe(true);
});
