import { expect, test } from "vitest";
import { boundedJustification, justificationOf } from "./justification.js";

const header = (value: string | readonly string[]): string | undefined =>
  justificationOf({ "x-vault-justification": value });

test("a header is UTF-8 where it can be, and else as it stands", () => {
  expect(header(Buffer.from("für später").toString("latin1"))).toBe("für später");
  expect(header("f\u00fcr")).toBe("f\u00fcr");
});

test("no header, an empty one and one of spaces say nothing", () => {
  expect(justificationOf({})).toBeUndefined();
  expect(header("")).toBeUndefined();
  expect(header("  ")).toBeUndefined();
});

test("several headers are one text", () => {
  expect(header(["one", "two"])).toBe("one, two");
});

test("500 characters are taken, of however many bytes, and one more is refused by name", () => {
  const longest = "\u{1F511}".repeat(500);
  expect(header(Buffer.from(longest).toString("latin1"))).toBe(longest);
  expect(() => header(Buffer.from(`${longest}x`).toString("latin1"))).toThrow(
    "X-Vault-Justification: must have",
  );
  expect(boundedJustification(longest, "justification")).toBe(longest);
  expect(() => boundedJustification(`${longest}x`, "justification")).toThrow(
    "justification: must have at most 500",
  );
});
