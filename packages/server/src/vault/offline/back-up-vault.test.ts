import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, readdir, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Secret } from "../../redaction/secret.js";
import { parseVaultFile } from "../format.js";
import { PASSWORD, withTemporaryDirectory, withUnlockedVault } from "../testing/temporary-vault.js";
import { changeVault, makeVault } from "../testing/vault-in-directory.js";
import { backUpVault } from "./back-up-vault.js";
import { verifyVaultFile } from "./verify-vault-file.js";

const CHECK = { password: PASSWORD };

async function withVaultAndRoom(use: (vault: string, room: string) => Promise<void>): Promise<void> {
  await withTemporaryDirectory(async (directory) => {
    const room = join(directory, "room");
    await mkdir(room);
    await use(await makeVault(join(directory, "data")), room);
  });
}

describe("a backup", () => {
  test("is the vault's bytes, for the owner alone", () =>
    withVaultAndRoom(async (from, room) => {
      const to = join(room, "backup");
      const { size } = await stat(from);
      expect(await backUpVault({ from, to, check: CHECK })).toMatchObject({
        path: to,
        bytes: size,
        content: { generation: 3, services: 1, files: 1 },
      });
      expect(await readFile(to)).toEqual(await readFile(from));
      expect((await stat(to)).mode & 0o777).toBe(0o600);
      expect(await readdir(room)).toEqual(["backup"]);
    }));

  test("with a wrong password, or of a damaged vault, is not made", () =>
    withVaultAndRoom(async (from, room) => {
      const to = join(room, "backup");
      const refused = { code: "unauthorized", message: "wrong password or damaged vault file" };
      const wrong = { password: new Secret("wrong horse battery") };
      await expect(backUpVault({ from, to, check: wrong })).rejects.toMatchObject(refused);
      const bytes = await readFile(from);
      parseVaultFile(bytes).state.ciphertext[0]! ^= 1;
      await writeFile(from, bytes);
      await expect(backUpVault({ from, to, check: CHECK })).rejects.toMatchObject(refused);
      expect(await readdir(room)).toEqual([]);
    }));

  test("without a password checks the frame, and says no more than that", () =>
    withVaultAndRoom(async (from, room) => {
      const to = join(room, "backup");
      expect(await backUpVault({ from, to, check: "frame only" })).toMatchObject({ content: undefined });
      expect(await readFile(to)).toEqual(await readFile(from));
      await writeFile(from, (await readFile(from)).subarray(0, -1));
      const cut = backUpVault({ from, to: join(room, "cut"), check: "frame only" });
      await expect(cut).rejects.toThrow("no complete vault file");
      expect(await readdir(room)).toEqual(["backup"]);
    }));

  test("without a password is none of a file that is no vault file, and keeps the last good one", () =>
    withVaultAndRoom(async (from, room) => {
      const to = join(room, "backup");
      const check = "frame only";
      await backUpVault({ from, to, check });
      const earlier = await readFile(to);
      const bytes = await readFile(from);
      bytes[0]! ^= 1;
      for (const other of [bytes, randomBytes(46), Buffer.alloc(0)]) {
        await writeFile(from, other);
        await expect(backUpVault({ from, to, check, overwrite: true })).rejects.toMatchObject({
          message: `${from} is not recognised as a vault file; back it up with its password`,
        });
      }
      expect(await readFile(to)).toEqual(earlier);
      expect(await readdir(room)).toEqual(["backup"]);
    }));

  test.each([{ password: PASSWORD }, "frame only"] as const)(
    "that is interrupted is not made (check: %j)",
    (check) =>
      withVaultAndRoom(async (from, room) => {
        const to = join(room, "backup");
        await writeFile(to, "the earlier one");
        const interruption = new AbortController();
        const made = backUpVault({ from, to, check, overwrite: true, signal: interruption.signal });
        interruption.abort(new Error("interrupted"));
        await expect(made).rejects.toThrow("interrupted");
        expect(await readFile(to, "utf8")).toBe("the earlier one");
        expect(await readdir(room)).toEqual(["backup"]);
      }),
  );

  test("replaces an earlier one only if told to, and then only by a good one", () =>
    withVaultAndRoom(async (from, room) => {
      const to = join(room, "backup");
      await backUpVault({ from, to, check: CHECK });
      const earlier = await readFile(to);
      await changeVault(join(from, ".."));
      await expect(backUpVault({ from, to, check: CHECK })).rejects.toMatchObject({ code: "conflict" });
      const wrong = { password: new Secret("wrong horse battery") };
      await expect(backUpVault({ from, to, check: wrong, overwrite: true })).rejects.toThrow(
        "wrong password",
      );
      expect(await readFile(to)).toEqual(earlier);
      await backUpVault({ from, to, check: CHECK, overwrite: true });
      expect(await verifyVaultFile(to, PASSWORD)).toMatchObject({ generation: 4 });
    }));

  test("never takes the place of the vault, or of what a server keeps beside it", () =>
    withVaultAndRoom(async (from, room) => {
      const data = join(from, "..");
      await symlink(from, join(room, "symbolic"));
      await link(from, join(room, "hard"));
      await symlink(data, join(room, "directory"));
      const before = await readFile(from);
      for (const to of [
        from,
        join(data, "..", "data", "vault.enc"),
        join(room, "symbolic"),
        join(room, "hard"),
        join(room, "directory", "vault.enc"),
        ...["bak", "previous", "go", "replaced", "tmp", "BAK"].map((end) => `${from}.${end}`),
        join(data, "lockout.json"),
        join(room, "directory", "vault.lock"),
      ]) {
        await expect(backUpVault({ from, to, check: CHECK, overwrite: true }), to).rejects.toMatchObject({
          code: "invalid_request",
          message: expect.stringContaining("belongs to the vault itself") as string,
        });
      }
      expect(await readFile(from)).toEqual(before);
      await backUpVault({ from, to: join(data, "vault.enc.monday"), check: CHECK });
    }));

  test("replaces a link by itself, not what the link leads to", () =>
    withVaultAndRoom(async (from, room) => {
      await writeFile(join(room, "mine"), "mine");
      await symlink(join(room, "mine"), join(room, "backup"));
      await backUpVault({ from, to: join(room, "backup"), check: CHECK, overwrite: true });
      expect(await readFile(join(room, "mine"), "utf8")).toBe("mine");
    }));

  test("says what is wrong with its target", () =>
    withVaultAndRoom(async (from, room) => {
      execFileSync("mkfifo", [join(room, "..", "pipe")]);
      for (const [to, code, says] of [
        [join(room, "none", "backup"), "not_found", `the directory ${join(room, "none")} is not there`],
        [room, "invalid_request", "is a directory: name the file"],
        [`${join(room, "new")}/`, "invalid_request", "is a directory: name the file"],
        // Not a device: where the guard is missing, root would replace it for the whole machine.
        [join(room, "..", "pipe"), "invalid_request", "no regular file"],
        [join(room, "x".repeat(256)), "storage_failed", "ENAMETOOLONG"],
        ["/proc/backup", "storage_failed", "/proc/backup cannot be written"],
      ] as const) {
        const refused = { code, message: expect.stringContaining(says) as string };
        await expect(backUpVault({ from, to, check: CHECK, overwrite: true }), to).rejects.toMatchObject(
          refused,
        );
      }
      expect(await readdir(room)).toEqual([]);
      const nothing = backUpVault({ from: join(room, "none"), to: join(room, "backup"), check: CHECK });
      await expect(nothing).rejects.toMatchObject({ code: "not_found" });
    }));

  test("is one whole version while a vault saves again and again", () =>
    withTemporaryDirectory(async (directory) => {
      const from = await makeVault(directory);
      await withUnlockedVault(directory, async (vault) => {
        const over = new AbortController();
        const writing = (async () => {
          for (let turn = 0; !over.signal.aborted; turn += 1) {
            await vault.collection("settings").change((settings) => settings.set(`s${turn}`, { turn }));
          }
        })();
        const generations: number[] = [];
        for (let turn = 0; turn < 20; turn += 1) {
          const { content } = await backUpVault({ from, to: join(directory, `b${turn}`), check: CHECK });
          generations.push(content?.generation ?? 0);
        }
        over.abort();
        await writing;
        expect(generations).toEqual(generations.toSorted((a, b) => a - b));
        expect(new Set(generations).size).toBeGreaterThan(5);
      });
    }));
});
