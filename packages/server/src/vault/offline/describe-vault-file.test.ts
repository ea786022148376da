import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { VaultProxyError } from "../../errors/vault-proxy-error.js";
import { PASSWORD, withTemporaryDirectory, withUnlockedVault } from "../testing/temporary-vault.js";
import { FILE_BYTES, changeVault, makeVault } from "../testing/vault-in-directory.js";
import { describeVaultFile } from "./describe-vault-file.js";

const ID = expect.stringMatching(/^[0-9a-f]{32}$/) as string;

describe("describing a vault file", () => {
  test("tells what stands in clear, and the version beside it", () =>
    withTemporaryDirectory(async (directory) => {
      const path = await makeVault(directory);
      const { size, mtime } = await stat(path);
      const { file, beside } = await describeVaultFile(path);
      expect(file).toEqual({
        path,
        bytes: size,
        modified_at: mtime.toISOString(),
        format: 1,
        vault_id: ID,
        generation: 3,
        created_at: expect.stringMatching(/^\d{4}-/) as string,
        slots: [{ kind: "password", id: ID, kdf: "argon2id", m_kib: 8, t: 1, p: 1 }],
        segments: 3,
        state_bytes: expect.any(Number) as number,
        files: { count: 1, bytes: FILE_BYTES.length },
      });
      expect(beside).toMatchObject([{ path: `${path}.bak`, format: 1, generation: 2 }]);
    }));

  test("shows a recovery slot", () =>
    withTemporaryDirectory(async (directory) => {
      const path = await makeVault(directory);
      await withUnlockedVault(directory, (vault) => vault.createRecoveryKey(PASSWORD, "unknown"));
      const { file } = await describeVaultFile(path);
      expect(file).toMatchObject({ slots: [{ kind: "password" }, { kind: "recovery", id: ID }] });
    }));

  test("finds every earlier version, and says what is wrong with one", () =>
    withTemporaryDirectory(async (directory) => {
      const path = await makeVault(directory);
      await changeVault(directory);
      await writeFile(`${path}.previous`, await readFile(path));
      await writeFile(`${path}.replaced`, "VLTPRX1\nshort");
      await writeFile(`${path}.go`, randomBytes(200));
      const { beside } = await describeVaultFile(path);
      expect(beside).toMatchObject([
        { path: `${path}.bak`, generation: 3 },
        { path: `${path}.previous`, generation: 4 },
        { path: `${path}.go`, format: "go", bytes: 200 },
        { path: `${path}.replaced`, problem: expect.stringContaining("no complete vault file") as string },
      ]);
    }));

  test.each([
    [0, "not a vault file"],
    [45, "not a vault file"],
  ])("takes %i bytes without the magic for no vault file", (length, reason) =>
    withTemporaryDirectory(async (directory) => {
      const path = join(directory, "short");
      await writeFile(path, randomBytes(length));
      await expect(describeVaultFile(path)).rejects.toMatchObject({
        code: "storage_failed",
        message: expect.stringContaining(reason) as string,
      });
    }),
  );

  test("tells a newer format by its number", () =>
    withTemporaryDirectory(async (directory) => {
      const path = join(directory, "newer");
      const header = Buffer.from('{"format":2}');
      await writeFile(
        path,
        Buffer.concat([Buffer.from("VLTPRX1\n\0\0\0"), Buffer.of(header.length), header]),
      );
      await expect(describeVaultFile(path)).rejects.toThrow("format 2");
    }));

  test("follows a link, and refuses what is no file, without waiting for it", () =>
    withTemporaryDirectory(async (directory) => {
      const path = await makeVault(directory);
      await symlink(path, join(directory, "latest"));
      expect((await describeVaultFile(join(directory, "latest"))).file).toMatchObject({ generation: 3 });
      execFileSync("mkfifo", [join(directory, "pipe")]);
      await mkdir(join(directory, "folder"));
      for (const name of ["pipe", "folder"]) {
        await expect(describeVaultFile(join(directory, name))).rejects.toThrow("no regular file");
      }
      await expect(describeVaultFile(join(directory, "none"))).rejects.toMatchObject({ code: "not_found" });
      await expect(describeVaultFile(join(path, "x"))).rejects.toMatchObject({ code: "not_found" });
    }));

  test("never fails otherwise than with a sentence, whatever the bytes", () =>
    withTemporaryDirectory(async (directory) => {
      const good = await readFile(await makeVault(directory));
      const path = join(directory, "hostile");
      const cut = fc.nat(good.length).map((length) => good.subarray(0, length));
      const flipped = fc
        .tuple(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }))
        .map(([at, bits]) => {
          const bytes = Buffer.from(good);
          bytes[at] = (bytes[at] ?? 0) ^ bits;
          return bytes;
        });
      await fc.assert(
        fc.asyncProperty(fc.oneof(cut, flipped, fc.uint8Array()), async (bytes) => {
          await writeFile(path, bytes);
          const error: unknown = await describeVaultFile(path).then(
            () => undefined,
            (thrown: unknown) => thrown,
          );
          if (error !== undefined) expect(error).toBeInstanceOf(VaultProxyError);
        }),
        { numRuns: 300 },
      );
    }));
});
