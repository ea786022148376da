import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Secret } from "../redaction/secret.js";
import { REFUSED, WRONG_PASSWORD, addService, parsedVaultFile, services } from "./testing/sample-services.js";
import {
  PASSWORD,
  SILENT_LOG,
  SLOW_KDF_COST,
  withTemporaryDirectory,
  withUnlockedVault,
  withVault,
} from "./testing/temporary-vault.js";
import { openVault } from "./vault.js";

const LOCKED = { code: "vault_locked" };

describe("locking", () => {
  test("hides everything, and unlocking brings it back", () =>
    withTemporaryDirectory((directory) =>
      withUnlockedVault(directory, async (vault) => {
        await addService(vault, "a");
        await vault.files.put("f", "text/plain", Buffer.from("x"));
        const collection = services(vault);
        await vault.lock();
        await vault.lock();
        expect(vault.status).toBe("locked");
        expect(() => collection.records).toThrow(expect.objectContaining(LOCKED));
        await expect(collection.change(() => 1)).rejects.toMatchObject(LOCKED);
        expect(() => vault.files.list()).toThrow(expect.objectContaining(LOCKED));
        expect(() => vault.files.get("f")).toThrow(expect.objectContaining(LOCKED));
        await expect(vault.files.read("f")).rejects.toMatchObject(LOCKED);
        await expect(vault.files.put("g", "a/b", Buffer.alloc(0))).rejects.toMatchObject(LOCKED);
        await expect(vault.files.delete("f")).rejects.toMatchObject(LOCKED);
        await expect(vault.changePassword(PASSWORD, WRONG_PASSWORD, "unknown")).rejects.toMatchObject(LOCKED);
        await vault.unlock(PASSWORD, "unknown");
        expect(collection.records.get("a")?.token.reveal()).toBe("secret of a");
      }),
    ));

  test("lets the change being written end, drops those that wait, and never loses an acknowledged one", () =>
    withTemporaryDirectory(async (directory) => {
      const acknowledged: string[] = [];
      await withUnlockedVault(directory, async (vault) => {
        const change = (name: string) => addService(vault, name).then(() => acknowledged.push(name));
        const writing = change("writing");
        await new Promise((resolve) => setImmediate(resolve));
        const waiting = change("waiting");
        const events: string[] = [];
        vault.subscribe(({ type }) => events.push(type));
        const locked = vault.lock();
        expect(vault.status).toBe("locked");
        expect(() => services(vault).records).toThrow(expect.objectContaining(LOCKED));
        await expect(waiting).rejects.toMatchObject(LOCKED);
        await writing;
        await locked;
        expect(events).toEqual(["locked"]);
      });
      expect(acknowledged).toEqual(["writing"]);
      await withUnlockedVault(directory, async (vault) => {
        expect([...services(vault).records.keys()]).toEqual(["writing"]);
        await Promise.resolve();
      });
    }));

  test("during a verification leaves the vault locked and says so", () =>
    withTemporaryDirectory(async (directory) => {
      // At a high cost, so that the derivation runs when the vault is locked.
      const vault = await openVault({ dataDir: directory, log: SILENT_LOG }, { kdfCost: SLOW_KDF_COST });
      try {
        await vault.unlock(PASSWORD, "unknown");
        const refused = expect(vault.unlock(PASSWORD, "unknown")).rejects.toMatchObject(LOCKED);
        await new Promise((resolve) => setTimeout(resolve, 10));
        await vault.lock();
        await refused;
        expect(vault.status).toBe("locked");
      } finally {
        await vault.close();
      }
    }));

  test("ends before the next unlock begins", () =>
    withTemporaryDirectory((directory) =>
      withUnlockedVault(directory, async (vault) => {
        const events: string[] = [];
        vault.subscribe(({ type }) => events.push(type));
        const writing = addService(vault, "writing");
        await new Promise((resolve) => setImmediate(resolve));
        await Promise.all([vault.lock(), vault.unlock(PASSWORD, "unknown"), writing]);
        expect(events).toEqual(["locked", "unlocked"]);
        expect([...services(vault).records.keys()]).toEqual(["writing"]);
      }),
    ));
});

describe("changing the password", () => {
  test("seals everything anew, and leaves nothing that opens with the old one", () =>
    withTemporaryDirectory(async (directory) => {
      const next = new Secret("another good one");
      await withUnlockedVault(directory, async (vault) => {
        await addService(vault, "a");
        await vault.files.put("f", "text/plain", Buffer.from("content"));
        await writeFile(join(directory, "vault.enc.go"), "an original of the Go server");
        const before = await parsedVaultFile(directory);
        const events: string[] = [];
        vault.subscribe(({ type }) => events.push(type));
        await vault.changePassword(PASSWORD, next, "unknown");
        const after = await parsedVaultFile(directory);
        expect(events).toEqual([]);
        expect(after.files[0]!.ciphertext).not.toEqual(before.files[0]!.ciphertext);
        expect(after.header.passwordSlot.salt).not.toEqual(before.header.passwordSlot.salt);
        expect((await readdir(directory)).sort()).toEqual(["vault.enc", "vault.lock"]);
        expect((await vault.files.read("f")).toString()).toBe("content");
        await expect(vault.unlock(PASSWORD, "unknown")).rejects.toMatchObject(REFUSED);
        await vault.unlock(next, "unknown");
        await addService(vault, "b");
      });
      await withVault(directory, async (vault) => {
        await expect(vault.unlock(PASSWORD, "unknown")).rejects.toMatchObject(REFUSED);
        await vault.unlock(next, "unknown");
        expect([...services(vault).records.keys()]).toEqual(["a", "b"]);
        expect((await vault.files.read("f")).toString()).toBe("content");
      });
    }));

  test("needs the present password and a good new one", () =>
    withTemporaryDirectory((directory) =>
      withUnlockedVault(directory, async (vault) => {
        await expect(vault.changePassword(WRONG_PASSWORD, PASSWORD, "unknown")).rejects.toMatchObject(
          REFUSED,
        );
        const weak = vault.changePassword(PASSWORD, new Secret("short"), "unknown");
        await expect(weak).rejects.toMatchObject({
          code: "invalid_request",
          message: expect.stringMatching(/^new: /) as string,
        });
        await vault.unlock(PASSWORD, "unknown");
      }),
    ));

  test("loses no change that is made at the same time", () =>
    withTemporaryDirectory(async (directory) => {
      await withUnlockedVault(directory, async (vault) => {
        const names = Array.from({ length: 40 }, (_, index) => `s${index}`);
        await Promise.all([
          ...names.slice(0, 20).map((name) => addService(vault, name)),
          vault.changePassword(PASSWORD, WRONG_PASSWORD, "unknown"),
          vault.files.put("f", "text/plain", Buffer.from("content")),
          ...names.slice(20).map(async (name) => {
            await new Promise((resolve) => setTimeout(resolve, 3));
            await addService(vault, name);
          }),
        ]);
      });
      await withVault(directory, async (vault) => {
        await vault.unlock(WRONG_PASSWORD, "unknown");
        expect(services(vault).records.size).toBe(40);
        expect((await vault.files.read("f")).toString()).toBe("content");
      });
    }));
});

test("a data key that is worn out is replaced by the next save, under the same password", () =>
  withTemporaryDirectory(async (directory) => {
    const sealedKeys = new Set<string>();
    const note = async () =>
      sealedKeys.add((await parsedVaultFile(directory)).header.passwordSlot.sealedKey.toString("hex"));
    await withUnlockedVault(
      directory,
      async (vault) => {
        await vault.files.put("f", "text/plain", Buffer.from("content"));
        for (let change = 0; change < 3; change += 1) {
          await addService(vault, `a${change}`);
          await note();
        }
      },
      { sealsPerKey: 10 },
    );
    expect(sealedKeys.size).toBe(1);
    // The count is kept across a restart.
    await withUnlockedVault(
      directory,
      async (vault) => {
        await addService(vault, "b");
        await note();
        expect((await vault.files.read("f")).toString()).toBe("content");
      },
      { sealsPerKey: 10 },
    );
    expect(sealedKeys.size).toBe(2);
    await withUnlockedVault(directory, async (vault) => {
      expect(services(vault).records.size).toBe(4);
      expect((await vault.files.read("f")).toString()).toBe("content");
    });
  }));

describe("subscribers", () => {
  test("are told after the state is swapped and before the promise resolves", () =>
    withTemporaryDirectory((directory) =>
      withVault(directory, async (vault) => {
        const seen: string[] = [];
        const end = vault.subscribe((event) => {
          const size = event.type === "locked" ? "-" : services(vault).records.size;
          const what = event.type === "changed" ? [...event.collections].join("+") : "";
          seen.push(`${event.type} ${what} ${vault.status} ${size}`);
        });
        await vault.unlock(PASSWORD, "unknown").then(() => seen.push("resolved"));
        await addService(vault, "a").then(() => seen.push("resolved"));
        await Promise.all([vault.files.put("f", "a/b", Buffer.alloc(1)), addService(vault, "b")]);
        await services(vault).change((records) => records.delete("absent"));
        await vault.lock().then(() => seen.push("resolved"));
        end();
        await vault.unlock(PASSWORD, "unknown");
        expect(seen).toEqual([
          "unlocked  unlocked 0",
          "resolved",
          "changed services unlocked 1",
          "resolved",
          expect.stringMatching(/^changed (files\+services|services\+files) unlocked 2$/),
          "locked  locked -",
          "resolved",
        ]);
      }),
    ));

  test("that throw disturb neither the vault nor each other", () =>
    withTemporaryDirectory((directory) =>
      withVault(directory, async (vault) => {
        let calls = 0;
        vault.subscribe(() => {
          throw new Error("listener");
        });
        vault.subscribe(() => (calls += 1));
        await vault.unlock(PASSWORD, "unknown");
        await addService(vault, "a");
        await vault.lock();
        expect(calls).toBe(3);
      }),
    ));
});
