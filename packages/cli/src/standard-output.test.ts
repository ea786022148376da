import { spawn } from "node:child_process";
import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

import { CLI, finish, startCli, type CliRun } from "./testing/built-cli.js";
import { cliFixture } from "./testing/cli-fixture.js";
import { PASSWORD, PROXY_TOKEN } from "./testing/fake-vault.js";

const FULL = "cannot write standard output: no space left on device";

function intoFullDisk(args: readonly string[], env: Record<string, string>): Promise<CliRun> {
  const shell = ["-c", 'exec "$0" "$@" > /dev/full', process.execPath, CLI, ...args];
  return finish(spawn("sh", shell, { env, stdio: "pipe" }));
}

describe("a full disk behind standard output", () => {
  test.each([
    ["health"],
    ["service", "list"],
    ["token", "list"],
    ["file", "download", "key.json", "-"],
    ["proxy", "api", "GET", "/x"],
    ["completion", "bash"],
    ["--version"],
    ["--help"],
  ])("is told by one line and exit code 1: %s %s", async (...args) => {
    const { env } = await cliFixture();
    expect(await intoFullDisk(args, env)).toEqual({ code: 1, stdout: "", stderr: `error: ${FULL}\n` });
  });

  test("is told as JSON to programs", async () => {
    const { env } = await cliFixture();
    const { code, stderr } = await intoFullDisk(["--json", "service", "list"], env);
    expect(code).toBe(1);
    expect(JSON.parse(stderr)).toMatchObject({ error: FULL });
  });

  test("leaves no token that nobody got", async () => {
    const { env, vault } = await cliFixture();
    const { code, stderr } = await intoFullDisk(["token", "create"], env);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `error: ${FULL}: the token that nobody got is revoked again\n`,
    });
    const { method, headers } = vault.requests.at(-1)!;
    expect({ method, by: headers.authorization }).toEqual({ method: "DELETE", by: `Bearer ${PROXY_TOKEN}` });
  });
});

test("a reader that is gone gets no token, and none stays valid", async () => {
  const { env, vault } = await cliFixture();
  const child = startCli(["token", "create"], env);
  child.stdout.destroy();
  const { code, stderr } = await finish(child);
  expect(code).toBe(1);
  expect(stderr).toContain("nobody reads it: the token that nobody got is revoked again");
  expect(vault.requests.at(-1)!.method).toBe("DELETE");
});

test("up says what is wrong with a data directory that is a file", async () => {
  const { home, run } = await cliFixture();
  const file = join(home, "file");
  await writeFile(file, "");
  const args = ["up", "--data-dir", file, "--addr", "http://127.0.0.1:9"];
  expect(await run(args, { input: PASSWORD })).toEqual({
    code: 1,
    stdout: "",
    stderr: `error: cannot make the data directory ${file}: something else is in its place\n`,
  });
  expect((await stat(file)).isFile()).toBe(true);
});
