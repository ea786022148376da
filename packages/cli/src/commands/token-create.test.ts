import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";

import { runProgram } from "../program.js";
import { ADMIN_TOKEN, PROXY_TOKEN, startFakeVault } from "../testing/fake-vault.js";

async function run(...words: string[]) {
  const vault = await startFakeVault();
  onTestFinished(() => vault.stop());
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const code = await runProgram({
    argv: ["node", "/bin/vault-cli", "--addr", vault.addr, ...words],
    env: { VAULT_TOKEN: ADMIN_TOKEN },
    stdin: Readable.from([]),
    stdout,
    stderr,
  });
  const sent = vault.requests.map(({ method, url }) => `${method} ${url}`);
  return { code, sent, stdout: await text(stdout.end()), stderr: await text(stderr.end()) };
}

test("a service that is not stored is warned of, and the token made", async () => {
  expect(
    await run("token", "create", "--service", "nope", "--service", "api", "--service", "git*"),
  ).toMatchObject({
    code: 0,
    stdout: `${PROXY_TOKEN}\n`,
    stderr:
      "warning: there is no service nope: the token is of no use before `vault-cli service add nope`\nscope proxy, valid until 2030-01-02T00:00:00Z\n",
  });
});

test.each([
  [["token", "create", "--ttl", "8x"], '"8x" is not a duration'],
  [["token", "create", "--expires-at", "tomorrow"], '"tomorrow" is not a time'],
  [["token", "revoke", "my-agent", "--yes"], "names are not taken: `vault-cli token list`"],
  [["token", "resume", "my-agent"], "names are not taken: `vault-cli token list`"],
])("%j is wrong usage, and asks nothing of the vault", async (words, told) => {
  const { code, sent, stderr } = await run(...words);
  expect(code).toBe(2);
  expect(stderr).toContain(told);
  expect(sent.filter((line) => !line.startsWith("GET "))).toEqual([]);
});
