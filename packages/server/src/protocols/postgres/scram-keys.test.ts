import { describe, expect, test } from "vitest";
import { preparePassword } from "./scram-keys.js";

describe("a password is prepared", () => {
  test.each([
    ["plain ASCII", "plain ASCII"],
    // The examples of RFC 4013 §3.
    ["I\u00adX", "IX"],
    ["user", "user"],
    ["USER", "USER"],
    ["\u00aa", "a"],
    ["\u2168", "IX"],
    ["a\u00a0b", "a b"],
    ["pa\u0308ss", "p\u00e4ss"],
  ])("by SASLprep: %j becomes %j", async (password, prepared) => {
    expect(await preparePassword(password)).toBe(prepared);
  });

  test.each([
    ["a control character", "\u0007"],
    ["letters that are written to the right and to the left", "\u06271"],
    ["a character without a meaning in Unicode 3.2", "\u{1f600}"],
    ["a private character", "\ue000\u00e4"],
    ["characters alone that stand for nothing", "\u00ad\u00ad"],
  ])("not at all with %s in it", async (_name, password) => {
    expect(await preparePassword(password)).toBe(password);
  });
});
