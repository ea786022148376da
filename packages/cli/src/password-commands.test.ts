import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

import { CLI, finish, startCli } from "./testing/built-cli.js";
import { cliFixture } from "./testing/cli-fixture.js";
import { PASSWORD } from "./testing/fake-vault.js";

describe("password change", () => {
  const NEW = "another good horse";

  test("takes both passwords from standard input, from files, or one from each", async () => {
    const { vault, home, run, lastBody } = await cliFixture();
    const files = [join(home, "old"), join(home, "new")] as const;
    await writeFile(files[0], `${PASSWORD}\n`, { mode: 0o600 });
    await writeFile(files[1], `${NEW}\n`, { mode: 0o600 });
    const [old, next] = [
      ["--password-file", files[0]],
      ["--new-password-file", files[1]],
    ] as const;
    for (const [args, input] of [
      [[], `${PASSWORD}\n${NEW}\nignored\n`],
      [old, `${NEW}\n`],
      [next, `${PASSWORD}\n`],
      [[...old, ...next], ""],
    ] as const) {
      expect(await run(["password", "change", ...args], { input })).toEqual({
        code: 0,
        stdout: "Password changed.\n",
        stderr: "Backups that were made before still open with the password of their time.\n",
      });
      expect(lastBody()).toEqual({ current: PASSWORD, new: NEW });
    }
    expect(vault.requests.every(({ url }) => !url.includes("horse"))).toBe(true);
  });

  test("sends nothing without both, or to a vault that is locked", async () => {
    const { vault, run } = await cliFixture();
    for (const input of ["", `${PASSWORD}\n`, `${PASSWORD}\n\n`, `\n${NEW}\n`]) {
      const { code, stderr } = await run(["password", "change"], { input });
      expect(code).toBe(1);
      expect(stderr).toMatch(
        /^error: no (new )?password was given: give it on standard input, or by --(new-)?password-file\n$/,
      );
    }
    vault.locked = true;
    const locked = await run(["password", "change"], { input: `${PASSWORD}\n${NEW}\n` });
    expect(locked).toMatchObject({ code: 1, stderr: "error: vault is locked: run `vault-cli unlock`\n" });
    expect(vault.requests.map(({ url }) => url)).toEqual(Array.from({ length: 5 }, () => "/health"));
  });

  test("tells a wrong password from a wrong token, and repeats neither", async () => {
    const { run } = await cliFixture();
    const input = `hunter2hunter2\n${NEW}\n`;
    expect(await run(["password", "change"], { input })).toEqual({
      code: 1,
      stdout: "",
      stderr: "error: wrong password or damaged vault file\n",
    });
    const { stderr } = await run(["password", "change"], { input, env: { VAULT_TOKEN: "tok_x" } });
    expect(stderr).toBe(
      "error: unknown token: get another token for VAULT_TOKEN, or unset it and run `vault-cli unlock`\n",
    );
  });

  test("does not send a recovery key that is mistyped", async () => {
    const { vault, run } = await cliFixture();
    const input = `${vault.recoveryKey.replace("40R4", "40R5")}\n${NEW}\n`;
    expect((await run(["password", "change"], { input })).stderr).toContain("mistyped");
    expect((await run(["unlock"], { input })).stderr).toContain("mistyped");
    expect(vault.requests.map(({ method }) => method)).toEqual(["GET", "GET"]);
  });
});

describe("a new password that looks like a recovery key", () => {
  test("is not sent, neither by a change nor by a first unlock", async () => {
    const { vault, home, run } = await cliFixture();
    const refused = {
      code: 1,
      stdout: "",
      stderr: "error: the new password looks like a recovery key: choose another\n",
    };
    const key = vault.recoveryKey;
    for (const next of [key, key.replaceAll("-", ""), key.replace("40R4", "40R5")]) {
      expect(await run(["password", "change"], { input: `${PASSWORD}\n${next}\n` })).toEqual(refused);
      const file = join(home, "new");
      await writeFile(file, `${next}\n`, { mode: 0o600 });
      const args = ["password", "change", "--new-password-file", file];
      expect(await run(args, { input: `${PASSWORD}\n` })).toEqual(refused);
      vault.initialized = false;
      expect(await run(["unlock"], { input: next })).toEqual(refused);
      expect(await run(["unlock", "--password-file", file])).toEqual(refused);
      vault.initialized = true;
    }
    expect(vault.requests.every(({ method }) => method === "GET")).toBe(true);
  });
});

describe("vault recovery-key", () => {
  const LOST =
    "error: the recovery key was made but could not be written, and the one before is void: make another\n";

  test.each([[], ["--json"]])("that cannot be written is no success (%j)", async (...more: string[]) => {
    const { env, vault } = await cliFixture();
    const args = ["vault", "recovery-key", ...more];
    const said = more.length === 0 ? LOST : LOST.replace("error: ", "").trim();
    const closed = startCli(args, env);
    closed.stdout.destroy();
    const { code, stderr } = await finish(closed, PASSWORD);
    expect(code).toBe(1);
    expect(stderr).toContain(said);
    if (process.platform === "linux") {
      const shell = ["-c", 'exec "$0" "$@" > /dev/full', process.execPath, CLI, ...args];
      const full = await finish(spawn("sh", shell, { env, stdio: "pipe" }), PASSWORD);
      expect(full.code).toBe(1);
      expect(full.stderr).toContain(said);
    }
    const nobody = startCli(args, env);
    nobody.stdout.destroy();
    nobody.stderr.destroy();
    expect((await finish(nobody, PASSWORD)).code).toBe(1);
    expect(vault.requests.filter(({ method }) => method === "POST").length).toBeGreaterThan(1);
  });

  test("prints the key alone on stdout, and what it is on stderr", async () => {
    const { vault, run, lastBody } = await cliFixture();
    const made = await run(["vault", "recovery-key"], { input: PASSWORD });
    expect(made).toMatchObject({ code: 0, stdout: `${vault.recoveryKey}\n` });
    expect(made.stderr).toMatch(/opens the vault .* on paper.* not shown again/s);
    expect(lastBody()).toEqual({ password: PASSWORD });
    const { stdout } = await run(["vault", "recovery-key", "--json"], { input: PASSWORD });
    expect(JSON.parse(stdout)).toEqual({ recovery_key: vault.recoveryKey });
  });

  test.each(["", "0000", "000g-40R4\u001b[2J", `${"ILOU-".repeat(8)}ILOU`])(
    "prints no answer such as %j",
    async (answer) => {
      const { vault, run } = await cliFixture();
      vault.recoveryKey = answer;
      expect(await run(["vault", "recovery-key"], { input: PASSWORD })).toEqual({
        code: 1,
        stdout: "",
        stderr: "error: the answer holds no recovery key of a vault-server\n",
      });
    },
  );
});
