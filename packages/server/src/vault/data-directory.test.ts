import { chmod, chown, mkdir, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { applyStartUpRules, prepareDataDirectory, readVaultFile } from "./data-directory.js";
import { withTemporaryDirectory } from "./testing/temporary-vault.js";

function collectingLog() {
  const warnings: string[] = [];
  return { warnings, log: { warn: (_: object, message: string) => warnings.push(message) } };
}

const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

describe("preparing a data directory", () => {
  test("makes it, with its parents, for the owner alone", () =>
    withTemporaryDirectory(async (directory) => {
      const { log, warnings } = collectingLog();
      await prepareDataDirectory(join(directory, "a", "b"), log);
      expect(await modeOf(join(directory, "a", "b"))).toBe(0o700);
      expect(warnings).toEqual([]);
    }));

  test("warns of one that others can write to, and leaves it so", () =>
    withTemporaryDirectory(async (directory) => {
      const { log, warnings } = collectingLog();
      await chmod(directory, 0o770);
      await prepareDataDirectory(directory, log);
      expect(warnings).toEqual(["other users can write to the data directory"]);
      expect(await modeOf(directory)).toBe(0o770);
    }));

  test.each(["/proc/vault-proxy", "/proc/vault-proxy/a/b"])("fails, and ends, for %s", async (directory) => {
    const prepared = prepareDataDirectory(directory, collectingLog().log);
    await expect(prepared).rejects.toMatchObject({ code: "storage_failed" });
  });

  test("by two servers at once makes it once", () =>
    withTemporaryDirectory(async (directory) => {
      const { log } = collectingLog();
      const path = join(directory, "a", "b", "c");
      await Promise.all(Array.from({ length: 8 }, () => prepareDataDirectory(path, log)));
      expect(await modeOf(path)).toBe(0o700);
    }));

  test("fails where a file has its name", () =>
    withTemporaryDirectory(async (directory) => {
      await writeFile(join(directory, "file"), "");
      const prepared = prepareDataDirectory(join(directory, "file"), collectingLog().log);
      await expect(prepared).rejects.toMatchObject({ code: "storage_failed" });
    }));
});

describe("the start-up rules", () => {
  test("say whether there is a vault", () =>
    withTemporaryDirectory(async (directory) => {
      const { log, warnings } = collectingLog();
      expect(await applyStartUpRules(directory, log)).toBe(false);
      expect(await readVaultFile(directory)).toBeUndefined();
      await writeFile(join(directory, "vault.enc"), "bytes", { mode: 0o600 });
      expect(await applyStartUpRules(directory, log)).toBe(true);
      expect((await readVaultFile(directory))?.toString()).toBe("bytes");
      expect(warnings).toEqual([]);
    }));

  test("remove what a save or a password change left over, and nothing else", () =>
    withTemporaryDirectory(async (directory) => {
      const names = ["vault.enc", "vault.enc.bak", "vault.enc.go", "audit.jsonl", "lockout.json", "mine.tmp"];
      for (const name of [...names, "vault.enc.tmp", "vault.enc.previous", "lockout.json.tmp"]) {
        await writeFile(join(directory, name), "x", { mode: 0o600 });
      }
      await applyStartUpRules(directory, collectingLog().log);
      expect((await readdir(directory)).sort()).toEqual([...names].sort());
    }));

  test.each(["vault.enc.bak", "vault.enc.previous", "vault.enc.replaced", "vault.enc.go"])(
    "never take a lost vault for a new one when %s is there",
    (name) =>
      withTemporaryDirectory(async (directory) => {
        await writeFile(join(directory, name), "x", { mode: 0o600 });
        const lost = {
          code: "storage_failed",
          message: expect.stringContaining(`cp -p ${name} vault.enc`) as string,
        };
        await expect(applyStartUpRules(directory, collectingLog().log)).rejects.toMatchObject(lost);
        await expect(readVaultFile(directory)).rejects.toMatchObject(lost);
        expect(await readdir(directory)).toEqual([name]);
      }),
  );

  test("leave the mode of another user's file alone: it may have been linked there", () =>
    withTemporaryDirectory(async (directory) => {
      const { log, warnings } = collectingLog();
      const file = join(directory, "vault.enc");
      await writeFile(file, "x");
      await chmod(file, 0o644);
      await chown(file, 65534, 65534);
      await applyStartUpRules(directory, log);
      expect(await modeOf(file)).toBe(0o644);
      expect(warnings).toEqual(["a vault file belongs to another user"]);
    }));

  test("narrow what others could read, with a warning", () =>
    withTemporaryDirectory(async (directory) => {
      const { log, warnings } = collectingLog();
      const names = ["vault.enc", "vault.enc.bak", "vault.enc.go", "vault.enc.replaced", "lockout.json"];
      for (const name of names) {
        await writeFile(join(directory, name), "x");
        await chmod(join(directory, name), 0o644);
      }
      await applyStartUpRules(directory, log);
      for (const name of names) expect(await modeOf(join(directory, name))).toBe(0o600);
      expect(warnings).toHaveLength(names.length);
    }));

  test.each(["vault.enc", "vault.enc.bak", "vault.enc.go", "vault.enc.replaced", "lockout.json"])(
    "refuse a link or directory as %s",
    (name) =>
      withTemporaryDirectory(async (directory) => {
        const target = join(directory, "target");
        await writeFile(target, "x");
        await chmod(target, 0o644);
        await symlink(target, join(directory, name));
        const refused = { code: "storage_failed", message: expect.stringContaining(name) as string };
        await expect(applyStartUpRules(directory, collectingLog().log)).rejects.toMatchObject(refused);
        expect(await modeOf(target)).toBe(0o644);
        await rm(join(directory, name));
        await mkdir(join(directory, name));
        await expect(applyStartUpRules(directory, collectingLog().log)).rejects.toMatchObject(refused);
      }),
  );
});
