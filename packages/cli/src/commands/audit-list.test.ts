import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";

import { runProgram } from "../program.js";
import { ADMIN_TOKEN, startFakeVault } from "../testing/fake-vault.js";

const PATH = `/v1/${"a-long-path/".repeat(10)}end`;

test.each([
  ["cut", [], 80],
  ["whole with --wide", ["--wide"], Infinity],
] as const)("at 80 columns a long path is %s", async (_, flags, longest) => {
  const vault = await startFakeVault();
  onTestFinished(() => vault.stop());
  vault.answers.set("GET /audit?limit=50", {
    entries: [
      { seq: 1, time: "2030-01-01T00:00:00Z", action: "proxy", decision: "allow", method: "GET", path: PATH },
    ],
  });
  const stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
  await runProgram({
    argv: ["node", "/bin/vault-cli", "--addr", vault.addr, "audit", "list", ...flags],
    env: { VAULT_TOKEN: ADMIN_TOKEN, NO_COLOR: "1" },
    stdin: Readable.from([]),
    stdout,
    stderr: new PassThrough(),
  });
  const [, line = ""] = (await text(stdout.end())).split("\n");
  expect(line.length).toBeLessThanOrEqual(longest);
  expect(line.includes(PATH)).toBe(longest === Infinity);
});
