import { describe, expect, test } from "vitest";

import { readShellEnd } from "./shell-end.js";

describe("the end of a shell", () => {
  test.each([
    ['{"exit_code":0}', 0],
    ['{"exit_code":137,"signal":"KILL"}', 137],
    ['{"exit_code":258}', 2],
    ['{"exit_code":null}', 255],
    ['{"exit_code":"0"}', 255],
    ["null", 255],
    ["", 255],
    ["nonsense", 255],
  ])("with the reason %j is the exit code %i", (reason, exitCode) => {
    expect(readShellEnd(1000, reason)).toBe(exitCode);
  });

  test("by something else says by what", () => {
    expect(() => readShellEnd(1008, "the vault was locked")).toThrow(
      "the shell was ended: the vault was locked",
    );
    expect(() => readShellEnd(1006, "")).toThrow("the connection to vault-server was lost");
  });
});
