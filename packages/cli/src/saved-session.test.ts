import { execFileSync } from "node:child_process";
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";

import { cliFixture } from "./testing/cli-fixture.js";
import { ADMIN_TOKEN, PASSWORD } from "./testing/fake-vault.js";

describe("the saved session", () => {
  test("a lock by VAULT_TOKEN ends the session of the same vault, and not of another one", async () => {
    const { vault, sessionPath, run, saveSession } = await cliFixture();
    await saveSession();
    expect(await run(["lock"])).toMatchObject({ code: 0 });
    await expect(stat(sessionPath)).rejects.toThrow("ENOENT");
    vault.locked = false;
    for (const other of ["tok_other\nhttps://other.example\n", "tok_go", ""]) {
      await saveSession();
      await writeFile(sessionPath, other);
      expect(await run(["lock"])).toMatchObject({ code: 0, stdout: "Vault locked.\n" });
      expect(await readFile(sessionPath, "utf8")).toBe(other);
    }
    // A Go client saves the token alone.
    await writeFile(sessionPath, ADMIN_TOKEN);
    await run(["lock"]);
    await expect(stat(sessionPath)).rejects.toThrow("ENOENT");
  });

  test("that is no file, or empty, says what to do", async () => {
    const { sessionPath, run, saveSession } = await cliFixture();
    await saveSession();
    await writeFile(sessionPath, "");
    const env = { VAULT_TOKEN: "" };
    expect((await run(["service", "list"], { env })).stderr).toBe(
      `error: the saved session ${sessionPath} is empty: unlock again\n`,
    );
    await rm(sessionPath);
    execFileSync("mkfifo", ["-m", "600", sessionPath]);
    expect((await run(["service", "list"], { env })).stderr).toContain("is no regular file");
    expect(await run(["unlock"], { input: PASSWORD, env })).toMatchObject({ code: 0 });
    expect(await run(["service", "list"], { env })).toMatchObject({ code: 0 });
  });
});
