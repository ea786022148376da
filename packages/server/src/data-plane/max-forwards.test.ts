import { describe, expect, test } from "vitest";
import { countForward } from "./max-forwards.js";

describe("Max-Forwards", () => {
  test("is one less behind the vault, in its own letter case and place", () => {
    const headers = ["A", "1", "MAX-forwards", "10", "B", "2"];
    expect(countForward("OPTIONS", headers)).toBe(false);
    expect(headers).toEqual(["A", "1", "MAX-forwards", "9", "B", "2"]);
  });

  test("of 0 ends the way of an OPTIONS request here", () => {
    expect(countForward("OPTIONS", ["Max-Forwards", "0"])).toBe(true);
    expect(countForward("OPTIONS", ["Max-Forwards", "1"])).toBe(false);
    expect(countForward("OPTIONS", ["A", "0"])).toBe(false);
  });

  test("means nothing to other methods", () => {
    const headers = ["Max-Forwards", "0"];
    expect(countForward("GET", headers)).toBe(false);
    expect(headers).toEqual(["Max-Forwards", "0"]);
  });

  test.each([["-1"], [""], ["x"], ["1.5"], ["5, 5"], ["99999999999"]])("of %j is refused", (value) => {
    expect(() => countForward("OPTIONS", ["Max-Forwards", value])).toThrow("Max-Forwards");
  });

  test("that stands there twice is refused", () => {
    expect(() => countForward("OPTIONS", ["Max-Forwards", "5", "max-forwards", "0"])).toThrow("Max-Forwards");
  });
});
