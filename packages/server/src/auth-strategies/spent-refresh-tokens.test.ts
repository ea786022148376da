import { expect, test } from "vitest";
import { Secret } from "../redaction/secret.js";
import { REFRESH_LIMITS } from "./refresh-schedule.js";
import { isSpent, withSpent, type SpentRefreshTokens } from "./spent-refresh-tokens.js";

const secret = (number: number): Secret => new Secret(`rt-${number}`);

test("a refresh token is spent once another one came in its place, until the provider gives it again", () => {
  const one = withSpent([], secret(0), secret(1));
  expect([0, 1].map((number) => isSpent(one, secret(number)))).toEqual([true, false]);
  const back = withSpent(one, secret(1), secret(0));
  expect([0, 1].map((number) => isSpent(back, secret(number)))).toEqual([false, true]);
  expect(withSpent(one, secret(1), secret(1))).toEqual(one);
  expect(one.join()).not.toContain("rt-");
});

test("the newest are remembered, up to a number", () => {
  let known: SpentRefreshTokens = [];
  for (let number = 0; number < 100; number += 1)
    known = withSpent(known, secret(number), secret(number + 1));
  expect(known).toHaveLength(REFRESH_LIMITS.spentTokens);
  expect(isSpent(known, secret(99))).toBe(true);
  expect(isSpent(known, secret(0))).toBe(false);
});
