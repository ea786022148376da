import { rmSync, symlinkSync } from "node:fs";
import {
  chmod,
  chown,
  readFile,
  readdir,
  rename,
  rm,
  stat,
  symlink,
  watch,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Secret } from "../../redaction/secret.js";
import { applyStartUpRules } from "../data-directory.js";
import { readRegularFile } from "../durable-file.js";
import { parseVaultFile } from "../format.js";
import { LOCK_FILE } from "../lock-file.js";
import {
  PASSWORD,
  SILENT_LOG,
  withTemporaryDirectory,
  withUnlockedVault,
} from "../testing/temporary-vault.js";
import { changeVault, makeVault } from "../testing/vault-in-directory.js";
import { backUpVault } from "./back-up-vault.js";
import { restoreVault } from "./restore-vault.js";
import { verifyVaultFile } from "./verify-vault-file.js";

interface Place {
  readonly dataDir: string;
  readonly vault: string;
  /** Of generation 3; the vault itself is of generation 4. */
  readonly backup: string;
}

async function withBackup(use: (place: Place) => Promise<void>): Promise<void> {
  await withTemporaryDirectory(async (directory) => {
    const dataDir = join(directory, "data");
    const vault = await makeVault(dataDir);
    const backup = join(directory, "backup");
    await backUpVault({ from: vault, to: backup, check: { password: PASSWORD } });
    await changeVault(dataDir);
    await use({ dataDir, vault, backup });
  });
}

const asked = ({ dataDir, backup }: Place) => ({ dataDir, from: backup, password: PASSWORD });

describe("restoring a backup", () => {
  test("puts it in place, keeps what was there, and a server goes on with it", () =>
    withBackup(async (place) => {
      const before = await readFile(place.vault);
      expect(await restoreVault(asked(place))).toEqual({
        path: place.vault,
        replaced: `${place.vault}.replaced`,
        content: { format: 1, generation: 3, services: 1, files: 1, tokens: 0, policies: 0 },
      });
      expect(await readFile(place.vault)).toEqual(await readFile(place.backup));
      expect(await readFile(`${place.vault}.replaced`)).toEqual(before);
      expect((await stat(place.vault)).mode & 0o777).toBe(0o600);
      expect((await readdir(place.dataDir)).sort()).toEqual([
        "vault.enc",
        "vault.enc.bak",
        "vault.enc.replaced",
      ]);
      await withUnlockedVault(place.dataDir, (vault) => {
        expect(vault.files.list()).toMatchObject([{ name: "key.pem" }]);
        expect(vault.collection("settings").records.size).toBe(0);
        return Promise.resolve();
      });
    }));

  test("makes the data directory, for the owner alone", () =>
    withBackup(async (place) => {
      const dataDir = join(place.dataDir, "..", "new", "data");
      expect(await restoreVault({ ...asked(place), dataDir })).toMatchObject({ replaced: undefined });
      expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
      expect(await readdir(dataDir)).toEqual(["vault.enc"]);
    }));

  test("where the vault file was lost needs no cp by hand", () =>
    withBackup(async (place) => {
      await rename(place.vault, `${place.vault}.previous`);
      expect(await restoreVault(asked(place))).toMatchObject({ replaced: undefined });
      await withUnlockedVault(place.dataDir, () => Promise.resolve());
    }));

  test("with a wrong password, or of a damaged backup, changes and makes nothing", () =>
    withBackup(async (place) => {
      const names = await readdir(place.dataDir);
      const before = await readFile(place.vault);
      const refused = { code: "unauthorized", message: "wrong password or damaged vault file" };
      const dataDir = join(place.dataDir, "..", "new");
      const wrong = { ...asked(place), password: new Secret("wrong horse battery") };
      await expect(restoreVault(wrong)).rejects.toMatchObject(refused);
      await expect(restoreVault({ ...wrong, dataDir })).rejects.toMatchObject(refused);
      const bytes = await readFile(place.backup);
      parseVaultFile(bytes).files[0]!.ciphertext[0]! ^= 1;
      await writeFile(place.backup, bytes);
      await expect(restoreVault(asked(place))).rejects.toMatchObject(refused);
      await expect(restoreVault({ ...asked(place), from: `${place.backup}x` })).rejects.toMatchObject({
        code: "not_found",
      });
      expect(await readFile(place.vault)).toEqual(before);
      expect(await readdir(place.dataDir)).toEqual(names);
      await expect(stat(dataDir)).rejects.toThrow("ENOENT");
    }));

  test("is refused while a server has the directory", () =>
    withBackup(async (place) => {
      await withUnlockedVault(place.dataDir, async () => {
        await expect(restoreVault(asked(place))).rejects.toMatchObject({
          code: "conflict",
          message: expect.stringMatching(/\(pid \d+\).*: stop it first$/) as string,
        });
      });
      expect(await verifyVaultFile(place.vault, PASSWORD)).toMatchObject({ generation: 4 });
    }));

  test("does not lose the vault that an earlier restore kept, unless told to", () =>
    withBackup(async (place) => {
      await restoreVault(asked(place));
      const kept = await readFile(`${place.vault}.replaced`);
      await expect(restoreVault(asked(place))).rejects.toMatchObject({
        code: "conflict",
        message: expect.stringContaining("vault.enc.replaced, kept by an earlier restore") as string,
      });
      expect(await readFile(`${place.vault}.replaced`)).toEqual(kept);
      // Back to what was there before the first one.
      await restoreVault({ ...asked(place), from: `${place.vault}.replaced`, discardReplaced: true });
      expect(await readFile(place.vault)).toEqual(kept);
      expect(await readFile(`${place.vault}.replaced`)).toEqual(await readFile(place.backup));
    }));

  test("of which the disk gives back other bytes brings the vault back", () =>
    withBackup(async (place) => {
      const before = await readFile(place.vault);
      const bad = restoreVault(asked(place), () => Promise.resolve(Buffer.from("other")));
      await expect(bad).rejects.toMatchObject({ code: "storage_failed" });
      expect(await readFile(place.vault)).toEqual(before);
      const dataDir = join(place.dataDir, "..", "new");
      const badNew = restoreVault({ ...asked(place), dataDir }, () => Promise.resolve(undefined));
      await expect(badNew).rejects.toMatchObject({ code: "storage_failed" });
      expect(await readdir(dataDir)).toEqual([]);
    }));

  test("refuses a link in the place of the vault, and leaves what it leads to", () =>
    withBackup(async (place) => {
      const dataDir = join(place.dataDir, "..", "linked");
      await restoreVault({ ...asked(place), dataDir });
      await rename(join(dataDir, "vault.enc"), join(dataDir, "elsewhere"));
      await symlink(join(dataDir, "elsewhere"), join(dataDir, "vault.enc"));
      await expect(restoreVault({ ...asked(place), dataDir })).rejects.toThrow("is no regular file");
      expect((await readdir(dataDir)).sort()).toEqual(["elsewhere", "vault.enc"]);
    }));

  test("that is interrupted brings the vault back and gives the directory free", () =>
    withBackup(async (place) => {
      const before = await readFile(place.vault);
      const names = await readdir(place.dataDir);
      const early = new AbortController();
      const first = restoreVault({ ...asked(place), signal: early.signal });
      early.abort(new Error("interrupted early"));
      await expect(first).rejects.toThrow("interrupted early");
      const late = new AbortController();
      const second = restoreVault({ ...asked(place), signal: late.signal }, (path, maxBytes) => {
        late.abort(new Error("interrupted late"));
        return readRegularFile(path, maxBytes);
      });
      await expect(second).rejects.toThrow("interrupted late");
      expect(await readFile(place.vault)).toEqual(before);
      expect(await readdir(place.dataDir)).toEqual(names);
    }));

  describe.runIf(process.geteuid?.() === 0)("as root", () => {
    const USER = { uid: 65_534, gid: 65_533 };

    test.each([
      ["the vault file that it replaces, in a directory of root's", "vault"],
      ["the directory, where no vault file is", "dataDir"],
    ] as const)("gives the file and the lock to the user of %s", (_, of) =>
      withBackup(async (place) => {
        if (of === "dataDir") await rm(place.vault);
        await chown(place[of], USER.uid, USER.gid);
        let lock: unknown;
        await restoreVault(asked(place), async (path, maxBytes) => {
          lock = await stat(join(place.dataDir, LOCK_FILE));
          return readRegularFile(path, maxBytes);
        });
        expect(lock).toMatchObject(USER);
        expect(await stat(place.vault)).toMatchObject(USER);
      }),
    );

    test("gives away nothing but its own file, whatever the directory's user puts in its place", () =>
      withBackup(async (place) => {
        await chown(place.dataDir, USER.uid, USER.gid);
        await rm(place.vault);
        const victim = join(place.dataDir, "..", "victim");
        await writeFile(victim, "root's");
        // That user waits for the rename, and then lets the vault's name lead to a file of root's.
        const swapped = (async () => {
          for await (const { filename } of watch(place.dataDir)) {
            if (filename !== "vault.enc") continue;
            rmSync(place.vault);
            symlinkSync(victim, place.vault);
            return;
          }
        })();
        await restoreVault(asked(place)).catch(() => undefined);
        await swapped;
        expect((await stat(victim)).uid).toBe(0);
      }));
  });

  test("warns of a directory that others can write to", () =>
    withBackup(async (place) => {
      await chmod(place.dataDir, 0o777);
      const warnings: string[] = [];
      await restoreVault({ ...asked(place), warn: (message) => warnings.push(message) });
      expect(warnings).toContain("other users can write to the data directory");
    }));

  test("leaves a file that the start-up rules narrow, and take for an earlier version", () =>
    withBackup(async (place) => {
      await restoreVault(asked(place));
      const replaced = `${place.vault}.replaced`;
      await chmod(replaced, 0o644);
      await applyStartUpRules(place.dataDir, SILENT_LOG);
      expect((await stat(replaced)).mode & 0o777).toBe(0o600);
      await rm(place.vault);
      await rm(`${place.vault}.bak`);
      const lost = applyStartUpRules(place.dataDir, SILENT_LOG);
      await expect(lost).rejects.toThrow("cp -p vault.enc.replaced vault.enc");
    }));
});
