import { createServer } from "node:http";
import { mkdir, readFile, readdir, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Secret } from "../redaction/secret.js";
import { REFUSED, WRONG_PASSWORD, addService, parsedVaultFile, services } from "./testing/sample-services.js";
import {
  CHEAP_KDF_COST,
  PASSWORD,
  SILENT_LOG,
  SLOW_KDF_COST,
  withTemporaryDirectory,
  withUnlockedVault,
  withVault,
} from "./testing/temporary-vault.js";
import { openVault, type Vault } from "./vault.js";

describe("unlocking", () => {
  test("makes a vault the first time, and opens that one from then on", () =>
    withTemporaryDirectory(async (directory) => {
      await withVault(directory, async (vault) => {
        expect([vault.status, vault.initialized]).toEqual(["locked", false]);
        await vault.unlock(PASSWORD, "unknown");
        expect([vault.status, vault.initialized]).toEqual(["unlocked", true]);
        expect((await stat(join(directory, "vault.enc"))).mode & 0o777).toBe(0o600);
      });
      await withVault(directory, async (vault) => {
        expect([vault.status, vault.initialized]).toEqual(["locked", true]);
        await expect(vault.unlock(WRONG_PASSWORD, "unknown")).rejects.toMatchObject(REFUSED);
        expect(vault.status).toBe("locked");
        await vault.unlock(PASSWORD, "unknown");
      });
    }));

  test("writes the full derivation cost unless a test lowers it", () =>
    withTemporaryDirectory(async (directory) => {
      const vault = await openVault({ dataDir: directory, log: SILENT_LOG });
      await vault.unlock(PASSWORD, "unknown");
      await vault.close();
      const { header } = await parsedVaultFile(directory);
      expect(header.passwordSlot.cost).toEqual({ memoryKib: 65_536, passes: 3, lanes: 4 });
    }));

  test("raises a lower cost with the next save", () =>
    withTemporaryDirectory(async (directory) => {
      await withUnlockedVault(directory, (vault) => addService(vault, "a"));
      const cost = { memoryKib: 64, passes: 2, lanes: 1 };
      const vault = await openVault({ dataDir: directory, log: SILENT_LOG }, { kdfCost: cost });
      await vault.unlock(PASSWORD, "unknown");
      await addService(vault, "b");
      await vault.close();
      expect((await parsedVaultFile(directory)).header.passwordSlot.cost).toEqual(cost);
      await withUnlockedVault(directory, async (again) => {
        expect([...services(again).records.keys()]).toEqual(["a", "b"]);
        await Promise.resolve();
      });
    }));

  test.each(["", "1234567", "😀😀😀😀😀😀😀"])("with the password %j makes no vault", (text) =>
    withTemporaryDirectory((directory) =>
      withVault(directory, async (vault) => {
        await expect(vault.unlock(new Secret(text), "unknown")).rejects.toMatchObject({
          code: "invalid_request",
          message: expect.stringMatching(/^password: /) as string,
        });
        expect([vault.status, vault.initialized]).toEqual(["locked", false]);
      }),
    ),
  );

  test("of an unlocked vault verifies the password all the same", () =>
    withTemporaryDirectory((directory) =>
      withUnlockedVault(directory, async (vault) => {
        await vault.unlock(PASSWORD, "unknown");
        await expect(vault.unlock(WRONG_PASSWORD, "unknown")).rejects.toMatchObject(REFUSED);
        expect(vault.status).toBe("unlocked");
      }),
    ));

  test("of a damaged file gets the very answer that a wrong password gets, and leaves the file as it is", () =>
    withTemporaryDirectory(async (directory) => {
      await withUnlockedVault(directory, (vault) => addService(vault, "a"));
      const path = join(directory, "vault.enc");
      const good = await readFile(path);
      await withVault(directory, async (vault) => {
        const damages = [
          good.subarray(0, good.length - 1),
          Buffer.alloc(0),
          Buffer.from("x"),
          Buffer.from(good),
        ];
        damages[3]![good.length - 1]! ^= 1;
        for (const bytes of damages) {
          await writeFile(path, bytes);
          await expect(vault.unlock(PASSWORD, "unknown")).rejects.toMatchObject(REFUSED);
          expect(await readFile(path)).toEqual(bytes);
        }
        await writeFile(path, good);
        await vault.unlock(PASSWORD, "unknown");
      });
    }));

  test("of a newer format says which one it is", () =>
    withTemporaryDirectory(async (directory) => {
      await withUnlockedVault(directory, (vault) => addService(vault, "a"));
      const path = join(directory, "vault.enc");
      const bytes = await readFile(path);
      bytes[bytes.indexOf('"format":1') + '"format":'.length] = "3".charCodeAt(0);
      await writeFile(path, bytes);
      await withVault(directory, (vault) =>
        expect(vault.unlock(PASSWORD, "unknown")).rejects.toMatchObject({
          code: "storage_failed",
          message: expect.stringContaining("format 3") as string,
        }),
      );
    }));

  test("never makes a new vault while the lost one's backup is there", () =>
    withTemporaryDirectory((directory) =>
      withVault(directory, async (vault) => {
        await writeFile(join(directory, "vault.enc.bak"), "x", { mode: 0o600 });
        await expect(vault.unlock(PASSWORD, "unknown")).rejects.toMatchObject({ code: "storage_failed" });
        expect(await readdir(directory)).not.toContain("vault.enc");
      }),
    ));

  test("never makes a new vault where the file has gone since the start, and opens it once it is back", () =>
    withTemporaryDirectory(async (directory) => {
      await withUnlockedVault(directory, async (vault) => {
        const path = join(directory, "vault.enc");
        const bytes = await readFile(path);
        const lose = async () => {
          await vault.lock();
          await rm(path);
          await rm(`${path}.bak`, { force: true });
        };
        const refuse = async (lost: Vault) => {
          for (const password of [PASSWORD, WRONG_PASSWORD]) {
            await expect(lost.unlock(password, "unknown")).rejects.toMatchObject({
              code: "storage_failed",
              message: expect.stringMatching(/^vault\.enc is missing/) as string,
            });
          }
          expect([lost.status, lost.initialized]).toEqual(["locked", true]);
          expect(await readdir(directory)).not.toContain("vault.enc");
        };
        await lose();
        await refuse(vault);
        await writeFile(path, bytes, { mode: 0o600 });
        await vault.unlock(PASSWORD, "unknown");
      });
      await withVault(directory, async (vault) => {
        await rm(join(directory, "vault.enc"));
        await expect(vault.unlock(PASSWORD, "unknown")).rejects.toMatchObject({ code: "storage_failed" });
        expect(vault.initialized).toBe(true);
      });
    }));

  test("counts wrong passwords by caller, across a restart, and bars before it derives", () =>
    withTemporaryDirectory(async (directory) => {
      await withUnlockedVault(directory, async (vault) => {
        for (let failure = 0; failure < 5; failure += 1) {
          await expect(vault.unlock(WRONG_PASSWORD, "uid:7")).rejects.toMatchObject(REFUSED);
        }
      });
      await withVault(directory, async (vault) => {
        await expect(vault.unlock(PASSWORD, "uid:7")).rejects.toMatchObject({
          code: "locked_out",
          retryAfterSeconds: 30,
        });
        await vault.unlock(PASSWORD, "uid:8");
        await expect(vault.changePassword(PASSWORD, WRONG_PASSWORD, "uid:7")).rejects.toMatchObject({
          code: "locked_out",
        });
      });
    }));

  test("with the right password clears the count of its caller", () =>
    withTemporaryDirectory((directory) =>
      withUnlockedVault(directory, async (vault) => {
        for (let round = 0; round < 3; round += 1) {
          for (let failure = 0; failure < 4; failure += 1) {
            await expect(vault.unlock(WRONG_PASSWORD, "uid:7")).rejects.toMatchObject(REFUSED);
          }
          await vault.unlock(PASSWORD, "uid:7");
        }
      }),
    ));

  test("only slows a trusted caller", () =>
    withTemporaryDirectory(async (directory) => {
      let now = 1_900_000_000_000;
      const options = { clock: () => now, slowedCallers: new Set(["uid:0"]) };
      await withUnlockedVault(
        directory,
        async (vault) => {
          for (let failure = 0; failure < 20; failure += 1) {
            await expect(vault.unlock(WRONG_PASSWORD, "uid:0")).rejects.toMatchObject(REFUSED);
            await expect(vault.unlock(PASSWORD, "uid:0")).rejects.toMatchObject({ code: "rate_limited" });
            now += 1000;
          }
          await vault.unlock(PASSWORD, "uid:0");
        },
        options,
      );
    }));

  test("by many at once derives for one at a time and refuses all but four more", () =>
    withTemporaryDirectory((directory) =>
      withUnlockedVault(directory, async (vault) => {
        const results = await Promise.allSettled(
          Array.from({ length: 200 }, () => vault.unlock(PASSWORD, "unknown")),
        );
        expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(5);
        for (const result of results) {
          if (result.status === "rejected") {
            expect(result.reason).toMatchObject({ code: "rate_limited", retryAfterSeconds: 1 });
          }
        }
      }),
    ));

  test("by a barred caller takes no place among those that wait", () =>
    withTemporaryDirectory((directory) =>
      withUnlockedVault(directory, async (vault) => {
        for (let failure = 0; failure < 5; failure += 1) {
          await expect(vault.unlock(WRONG_PASSWORD, "uid:7")).rejects.toMatchObject(REFUSED);
        }
        const barred = Array.from({ length: 50 }, () => vault.unlock(PASSWORD, "uid:7"));
        const owner = vault.unlock(PASSWORD, "uid:8");
        for (const result of await Promise.allSettled(barred)) {
          expect(result).toMatchObject({ status: "rejected", reason: { code: "locked_out" } });
        }
        await owner;
      }),
    ));

  test("by a crowd with wrong passwords runs no more derivations than the lock-out allows", () =>
    withTemporaryDirectory((directory) =>
      withUnlockedVault(directory, async (vault) => {
        for (let failure = 0; failure < 3; failure += 1) {
          await expect(vault.unlock(WRONG_PASSWORD, "unknown")).rejects.toMatchObject(REFUSED);
        }
        const results = await Promise.allSettled(
          Array.from({ length: 5 }, () => vault.unlock(WRONG_PASSWORD, "unknown")),
        );
        const codes = results.map(
          (result) => result.status === "rejected" && (result.reason as { code: string }).code,
        );
        expect(codes).toEqual(["unauthorized", "unauthorized", "locked_out", "locked_out", "locked_out"]);
      }),
    ));
});

describe("a data directory", () => {
  test("is one server's at a time, until that one is closed", () =>
    withTemporaryDirectory(async (directory) => {
      const first = await openVault({ dataDir: directory, log: SILENT_LOG }, { kdfCost: CHEAP_KDF_COST });
      const second = openVault({ dataDir: directory, log: SILENT_LOG });
      await expect(second).rejects.toMatchObject({ code: "conflict" });
      await first.unlock(PASSWORD, "unknown");
      await Promise.all([first.close(), first.close()]);
      await expect(first.unlock(PASSWORD, "unknown")).rejects.toMatchObject({ code: "unavailable" });
      await withUnlockedVault(directory, (vault) => addService(vault, "a"));
    }));

  test("is left alone once the vault is closed, by an unlock that was under way too", () =>
    withTemporaryDirectory(async (directory) => {
      // At a high cost, so that the derivation runs when the vault is closed.
      const vault = await openVault({ dataDir: directory, log: SILENT_LOG }, { kdfCost: SLOW_KDF_COST });
      let outcome = "none yet";
      const unlocking = vault.unlock(PASSWORD, "unknown").catch((error: unknown) => {
        outcome = (error as { code: string }).code;
      });
      await new Promise((resolve) => setTimeout(resolve, 10));
      await vault.close();
      expect(outcome).toBe("unavailable");
      expect(vault.status).toBe("locked");
      await unlocking;
    }));

  test("is given free when the start fails", () =>
    withTemporaryDirectory(async (directory) => {
      await mkdir(join(directory, "vault.enc"));
      const start = () => openVault({ dataDir: directory, log: SILENT_LOG });
      await expect(start()).rejects.toMatchObject({ code: "storage_failed" });
      await rmdir(join(directory, "vault.enc"));
      await (await start()).close();
    }));
});

test("an unlock does not hold up the event loop", () =>
  withTemporaryDirectory(async (directory) => {
    const server = createServer((_, answer) => answer.end("ok"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const vault = await openVault({ dataDir: directory, log: SILENT_LOG });
    try {
      const address = server.address() as { port: number };
      let hasUnlocked = false;
      const unlocking = vault.unlock(PASSWORD, "unknown").then(() => (hasUnlocked = true));
      const answer = await fetch(`http://127.0.0.1:${address.port}`);
      expect(await answer.text()).toBe("ok");
      expect(hasUnlocked).toBe(false);
      await unlocking;
    } finally {
      await vault.close();
      await new Promise((resolve) => server.close(resolve));
    }
  }));
