import { expect, test } from "vitest";
import { createTokenStrikes } from "./token-strikes.js";

const WHILE = 45 * 60_000;

function setUp() {
  let time = 1_000_000;
  const strikes = createTokenStrikes(() => time);
  return { strikes, advance: (by: number) => (time += by), now: () => time };
}

test("three different things are three strikes, however close", () => {
  const { strikes, now } = setUp();
  expect([1, 2, 3].map((cause) => strikes.add("t", cause))).toEqual([false, false, true]);
  expect(strikes.outSince("t")).toBe(now());
  expect(strikes.add("t", 4)).toBe(false);
});

test("the same thing is one strike within 45 minutes of it, and another after that", () => {
  const { strikes, advance } = setUp();
  const after = [0, WHILE - 1, 1, WHILE - 1, 1];
  const outcomes = after.map((by) => {
    advance(by);
    return strikes.add("t", 1);
  });
  expect(outcomes).toEqual([false, false, false, false, true]);
});

test("what is one thing however often it is done is one strike", () => {
  const { strikes, advance } = setUp();
  for (let hour = 0; hour < 5; hour += 1) {
    expect(strikes.add("t", "guess/10", Infinity)).toBe(false);
    advance(60 * WHILE);
  }
  expect(strikes.add("t", "guess/11", Infinity)).toBe(false);
  expect(strikes.add("t", "guess/12", Infinity)).toBe(true);
});

test("the same thing by another token is that token's strike", () => {
  const { strikes } = setUp();
  for (const digest of ["a", "b", "c"]) expect(strikes.add(digest, 1)).toBe(false);
  strikes.add("a", 2);
  expect(strikes.add("a", 3)).toBe(true);
  expect(strikes.outSince("b")).toBeUndefined();
});

test("a clock that was put back hides nothing", () => {
  const { strikes, advance } = setUp();
  strikes.add("t", 1);
  advance(-10 * WHILE);
  strikes.add("t", 1);
  advance(-10 * WHILE);
  expect(strikes.add("t", 1)).toBe(true);
});

test("what was forgiven counts no more, and may be done again", () => {
  const { strikes } = setUp();
  for (const cause of [1, 2, 3]) strikes.add("t", cause);
  strikes.forget("t");
  expect(strikes.outSince("t")).toBeUndefined();
  expect([1, 2, 3].map((cause) => strikes.add("t", cause))).toEqual([false, false, true]);
});
