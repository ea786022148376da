import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";

import { runProgram } from "../program.js";
import { ADMIN_TOKEN, startFakeVault } from "../testing/fake-vault.js";

const TIMES = { created_at: "2030-01-01T00:00:00Z", expires_at: "2030-01-02T00:00:00Z" };
const TOKENS = [
  { id_prefix: "tok_AAAA...", scope: "admin", ...TIMES },
  {
    ...{ id_prefix: "tok_BBBB...", scope: "proxy", ...TIMES },
    suspended_at: "2030-02-03T04:05:06Z",
  },
];

test("at 80 columns an unused column gives its room to the others, which stay whole", async () => {
  const vault = await startFakeVault();
  onTestFinished(() => vault.stop());
  const started_at = new Date(Date.now() - 26 * 3_600_000).toISOString();
  vault.tokens = [
    { ...TOKENS[0], id_prefix: "tok_AAAAAAAA...", name: "triage-bot" },
    { ...TOKENS[0], id_prefix: "tok_BBBBBBBB...", scope: "proxy", last_used_at: new Date().toISOString() },
  ];
  vault.answers.set("GET /health", {
    status: "unlocked",
    initialized: true,
    version: "1",
    details: { started_at },
  });
  const stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
  await runProgram({
    argv: ["node", "/bin/vault-cli", "--addr", vault.addr, "token", "list"],
    env: { VAULT_TOKEN: ADMIN_TOKEN, NO_COLOR: "1" },
    stdin: Readable.from([]),
    stdout,
    stderr: new PassThrough(),
  });
  const [head = "", unused = "", used = ""] = (await text(stdout.end())).split("\n");
  expect(head).toMatch(/^TOKEN +NAME +SCOPE +STATUS +EXPIRES +LAST USED +POLICY$/);
  expect(unused).toMatch(/^tok_AAAAAAAA\.{3} +triage-bot +admin .* not for 26 h$/);
  expect(used).toMatch(/ just now +\(all\)$/);
  for (const line of [head, unused, used]) expect(line.length).toBeLessThanOrEqual(80);
});

test.each([
  ["a table", true],
  ["JSON", false],
])("a suspended token stands out in %s", async (_, isTTY) => {
  const vault = await startFakeVault();
  onTestFinished(() => vault.stop());
  vault.tokens = TOKENS;
  const stdout = Object.assign(new PassThrough(), { isTTY });
  const code = await runProgram({
    argv: ["node", "/bin/vault-cli", "--addr", vault.addr, "token", "list"],
    env: { VAULT_TOKEN: ADMIN_TOKEN, NO_COLOR: "1" },
    stdin: Readable.from([]),
    stdout,
    stderr: new PassThrough(),
  });
  const shown = await text(stdout.end());
  expect(code).toBe(0);
  if (!isTTY) {
    expect(JSON.parse(shown)).toEqual(TOKENS);
    return;
  }
  const [head = "", active = "", suspended = ""] = shown.split("\n");
  expect(head).toMatch(/^TOKEN +NAME +SCOPE +STATUS +EXPIRES +LAST USED +POLICY +PARENT$/);
  expect(active).toMatch(/^tok_AAAA\.{3} {8}admin {2}active .* not since /);
  expect(suspended).toMatch(/^tok_BBBB\.{3} {8}proxy {2}SUSPENDED in \d+ days /);
});
