import { describe, expect, test } from "vitest";
import { InterimAnswers } from "./interim-answers.js";

describe("interim answers of one call", () => {
  test("may be 32, and no more", () => {
    const interims = new InterimAnswers(() => 0, 1_000);
    for (let count = 0; count < 32; count += 1) interims.count(103);
    expect(() => interims.count(103)).toThrow(expect.objectContaining({ code: "upstream_failed" }));
  });

  test("do not put off the time for the answer", () => {
    let now = 5_000;
    const interims = new InterimAnswers(() => now, 6_000);
    now += 1_000;
    interims.count(103);
    now += 1;
    expect(() => interims.count(103)).toThrow(expect.objectContaining({ code: "upstream_timeout" }));
  });

  test("are never 101", () => {
    const interims = new InterimAnswers(() => 0, 1_000);
    expect(() => interims.count(101)).toThrow(expect.objectContaining({ code: "upstream_failed" }));
  });
});
