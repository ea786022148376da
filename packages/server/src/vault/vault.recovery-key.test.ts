import { access, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Secret } from "../redaction/secret.js";
import { encodeFileStart, parseVaultFile } from "./format.js";
import { encodeHeader } from "./header.js";
import { openVaultFile, openWithRecoveryKey } from "./opened-vault.js";
import { REFUSED, WRONG_PASSWORD, addService, services } from "./testing/sample-services.js";
import {
  CHEAP_TOOLS,
  PASSWORD,
  withTemporaryDirectory,
  withUnlockedVault,
  withVault,
} from "./testing/temporary-vault.js";

const NEXT_PASSWORD = new Secret("the password after");
const ME = "unknown";

const vaultFile = (directory: string) => readFile(join(directory, "vault.enc"));
const isThere = (directory: string, name: string) =>
  access(join(directory, name)).then(
    () => true,
    () => false,
  );
const opens = async (bytes: Buffer, password: Secret) => {
  const opened = await openVaultFile(bytes, password, CHEAP_TOOLS).catch(() => undefined);
  opened?.key.destroy();
  return opened !== undefined;
};

describe("a recovery key", () => {
  test("opens the vault after a restart, and the password does as before", () =>
    withTemporaryDirectory(async (directory) => {
      const key = await withUnlockedVault(directory, async (vault) => {
        await addService(vault, "before");
        const made = await vault.createRecoveryKey(PASSWORD, ME);
        await addService(vault, "after");
        return made;
      });
      for (const password of [key, PASSWORD, new Secret(key.reveal().toLowerCase().replaceAll("-", " "))]) {
        await withVault(directory, async (vault) => {
          await vault.unlock(password, ME);
          expect([...services(vault).records.keys()]).toEqual(["before", "after"]);
        });
      }
    }));

  test("is made with the right password only, not with a recovery key", () =>
    withTemporaryDirectory((directory) =>
      withUnlockedVault(directory, async (vault) => {
        const before = await vaultFile(directory);
        await expect(vault.createRecoveryKey(WRONG_PASSWORD, ME)).rejects.toMatchObject(REFUSED);
        expect(await vaultFile(directory)).toEqual(before);
        const key = await vault.createRecoveryKey(PASSWORD, ME);
        await expect(vault.createRecoveryKey(key, ME)).rejects.toMatchObject(REFUSED);
        await vault.lock();
        await expect(vault.createRecoveryKey(PASSWORD, ME)).rejects.toMatchObject({ code: "vault_locked" });
      }),
    ));

  test("counts as a failed attempt where it is wrong", () =>
    withTemporaryDirectory(async (directory) => {
      const key = await withUnlockedVault(directory, (vault) => vault.createRecoveryKey(PASSWORD, ME));
      await withTemporaryDirectory((other) =>
        withUnlockedVault(other, async (vault) => {
          const ofAnother = await vault.createRecoveryKey(PASSWORD, ME);
          await withVault(directory, async (locked) => {
            for (let attempt = 0; attempt < 5; attempt += 1) {
              await expect(locked.unlock(ofAnother, ME)).rejects.toMatchObject(REFUSED);
            }
            await expect(locked.unlock(key, ME)).rejects.toMatchObject({ code: "locked_out" });
          });
        }),
      );
    }));

  test("is verified on an unlocked vault", () =>
    withTemporaryDirectory((directory) =>
      withUnlockedVault(directory, async (vault) => {
        const key = await vault.createRecoveryKey(PASSWORD, ME);
        await vault.unlock(key, ME);
        const replaced = await vault.createRecoveryKey(PASSWORD, ME);
        await expect(vault.unlock(key, ME)).rejects.toMatchObject(REFUSED);
        await vault.unlock(replaced, ME);
      }),
    ));

  test("sets a new password, and opens the vault after that as well", () =>
    withTemporaryDirectory(async (directory) => {
      const key = await withUnlockedVault(directory, async (vault) => {
        await addService(vault, "kept");
        return vault.createRecoveryKey(PASSWORD, ME);
      });
      await withVault(directory, async (vault) => {
        await vault.unlock(key, ME);
        await vault.files.put("one", "text/plain", Buffer.from("saved without the password's key"));
        await vault.changePassword(key, NEXT_PASSWORD, ME);
      });
      expect(await opens(await vaultFile(directory), PASSWORD)).toBe(false);
      for (const password of [NEXT_PASSWORD, key]) {
        await withVault(directory, async (vault) => {
          await vault.unlock(password, ME);
          expect(services(vault).records.has("kept")).toBe(true);
          expect((await vault.files.read("one")).toString()).toMatch(/^saved without/);
        });
      }
    }));

  test("goes on opening the vault when the data key is worn out", () =>
    withTemporaryDirectory(async (directory) => {
      const key = await withUnlockedVault(
        directory,
        async (vault) => {
          const made = await vault.createRecoveryKey(PASSWORD, ME);
          for (let n = 0; n < 4; n += 1) await addService(vault, `s${n}`);
          return made;
        },
        { sealsPerKey: 4 },
      );
      await withVault(
        directory,
        async (vault) => {
          await vault.unlock(key, ME);
          for (let n = 4; n < 8; n += 1) await addService(vault, `s${n}`);
        },
        { sealsPerKey: 4 },
      );
      await withUnlockedVault(directory, (vault) => {
        expect(services(vault).records.size).toBe(8);
        return Promise.resolve();
      });
    }));

  test("that was replaced opens nothing that is left, the last version included", () =>
    withTemporaryDirectory((directory) =>
      withUnlockedVault(directory, async (vault) => {
        const first = await vault.createRecoveryKey(PASSWORD, ME);
        expect(await isThere(directory, "vault.enc.bak")).toBe(true);
        await addService(vault, "more");
        const older = await vaultFile(directory);
        const second = await vault.createRecoveryKey(PASSWORD, ME);
        expect(await isThere(directory, "vault.enc.bak")).toBe(false);
        expect(await isThere(directory, "vault.enc.previous")).toBe(false);
        const newer = await vaultFile(directory);
        expect([await opens(older, first), await opens(newer, first), await opens(newer, second)]).toEqual([
          true,
          false,
          true,
        ]);
        // The older file's data key, which the first recovery key gives away, seals nothing of the newer one.
        const slots = [parseVaultFile(older), parseVaultFile(newer)].map(({ header }) => header.passwordSlot);
        expect(slots[0]?.sealedKey).not.toEqual(slots[1]?.sealedKey);
      }),
    ));

  test("is lost on a failed save alone: what was before holds", () =>
    withTemporaryDirectory((directory) =>
      withUnlockedVault(directory, async (vault) => {
        const key = await vault.createRecoveryKey(PASSWORD, ME);
        await writeFile(join(directory, "vault.lock"), "{}");
        await expect(vault.createRecoveryKey(PASSWORD, ME)).rejects.toThrow();
        await vault.unlock(key, ME);
        expect(await opens(await vaultFile(directory), key)).toBe(true);
      }),
    ));

  test("slot that is taken away, taken from another version or put twice is refused, with the password too", () =>
    withTemporaryDirectory((directory) =>
      withUnlockedVault(directory, async (vault) => {
        await vault.createRecoveryKey(PASSWORD, ME);
        const older = parseVaultFile(await vaultFile(directory));
        const key = await vault.createRecoveryKey(PASSWORD, ME);
        const bytes = await vaultFile(directory);
        const { header, headerBytes } = parseVaultFile(bytes);
        const rest = bytes.subarray(encodeFileStart(headerBytes).length);
        const withHeader = (newHeader: Buffer) => Buffer.concat([encodeFileStart(newHeader), rest]);
        const twice = JSON.parse(headerBytes.toString()) as { slots: unknown[] };
        twice.slots.push(twice.slots[1]);
        for (const forged of [
          encodeHeader({ ...header, recoverySlot: undefined }),
          encodeHeader({ ...header, recoverySlot: older.header.recoverySlot }),
          Buffer.from(JSON.stringify(twice)),
        ]) {
          for (const password of [PASSWORD, key]) {
            await expect(openVaultFile(withHeader(forged), password, CHEAP_TOOLS)).rejects.toThrow();
          }
        }
        expect(await opens(withHeader(headerBytes), key)).toBe(true);
      }),
    ));

  test("slot with another public key is none of this recovery key's, whoever sealed it", () =>
    withTemporaryDirectory((directory) =>
      withUnlockedVault(directory, async (vault) => {
        const key = await vault.createRecoveryKey(PASSWORD, ME);
        const { header } = parseVaultFile(await vaultFile(directory));
        const { recoverySlot } = header;
        if (recoverySlot === undefined) throw new Error("no recovery slot");
        expect(openWithRecoveryKey(header, key)).toBeDefined();
        const forged = { ...recoverySlot, publicKey: Buffer.alloc(32, 9) };
        expect(openWithRecoveryKey({ ...header, recoverySlot: forged }, key)).toBeUndefined();
      }),
    ));

  test("stands nowhere in the data directory", () =>
    withTemporaryDirectory((directory) =>
      withUnlockedVault(directory, async (vault) => {
        const key = await vault.createRecoveryKey(PASSWORD, ME);
        const bytes = await vaultFile(directory);
        expect(bytes.includes(key.reveal())).toBe(false);
        expect(bytes.includes(key.reveal().replaceAll("-", ""))).toBe(false);
      }),
    ));
});
