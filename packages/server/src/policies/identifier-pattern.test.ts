import { expect, test } from "vitest";
import { identifierPattern } from "./identifier-pattern.js";

test.each([
  ["42", "*"],
  ["7", "*"],
  ["6ba7b810-9dad-11d1-80b4-00c04fd430c8", "*"],
  ["da39a3ee5e6b4b0d3255bfef95601890afd80709", "*"],
  ["a1b2c3d", "*"],
  ["2026-11-22", "*"],
  ["C024BE91L", "*"],
  ["dQw4w9WgXcQ", "*"],
  ["cus_NffrFeUfNV2Hib", "cus_*"],
  ["OPS-123", "OPS-*"],
  ["20261122.json", "*.json"],
  ["2026-11-22.log", "*.log"],
  ["a*b", "a*b"],
  ["issues", "issues"],
  ["v1", "v1"],
  ["deadbeef", "deadbeef"],
  ["accounts", "accounts"],
  ["chat.postMessage", "chat.postMessage"],
  ["app-2", "app-2"],
  ["README.md", "README.md"],
  ["", ""],
])("%j becomes %j", (segment, pattern) => {
  expect(identifierPattern(segment)).toBe(pattern);
});

test("a small number behind api is a version", () => {
  expect(identifierPattern("3", "api")).toBe("3");
  expect(identifierPattern("333", "api")).toBe("*");
  expect(identifierPattern("3", "issues")).toBe("*");
});
