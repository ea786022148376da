import { execFile } from "node:child_process";
import { copyFile, mkdir, readFile, readdir, rename, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { Secret } from "../redaction/secret.js";
import {
  WRONG_PASSWORD,
  addService,
  parsedVaultFile,
  sampleService,
  services,
  type SampleService,
} from "./testing/sample-services.js";
import { PASSWORD, withTemporaryDirectory, withUnlockedVault, withVault } from "./testing/temporary-vault.js";
import { type VaultEvent } from "./vault.js";

const generationIn = async (directory: string) => (await parsedVaultFile(directory)).header.generation;

describe("collections", () => {
  test("survive a restart, secrets included, and nothing of them is readable on the disk", () =>
    withTemporaryDirectory(async (directory) => {
      await withUnlockedVault(directory, async (vault) => {
        await addService(vault, "github");
        await vault.collection("tokens").change((records) => records.set("t", { digest: "of a token" }));
        await vault.collection("policies").change((records) => records.set("p", { rules: [1, null, true] }));
        await vault
          .collection("settings")
          .change((records) => records.set("s", { a: { b: [new Secret("deep")] } }));
      });
      for (const name of await readdir(directory)) {
        const bytes = await readFile(join(directory, name), "latin1");
        for (const clear of ["github", "secret of", "of a token", "deep", PASSWORD.reveal()]) {
          expect(bytes).not.toContain(clear);
        }
      }
      await withUnlockedVault(directory, async (vault) => {
        const github = services(vault).records.get("github");
        expect(github?.url).toBe("https://github.example");
        expect(github?.token.reveal()).toBe("secret of github");
        expect(vault.collection("tokens").records.get("t")).toEqual({ digest: "of a token" });
        expect(vault.collection("policies").records.get("p")).toEqual({ rules: [1, null, true] });
        const setting = vault.collection<{ a: { b: Secret[] } }>("settings").records.get("s");
        expect(setting?.a.b[0]?.reveal()).toBe("deep");
        await Promise.resolve();
      });
    }));

  test("keep all of 500 changes made at once, with far fewer saves", () =>
    withTemporaryDirectory(async (directory) => {
      await withUnlockedVault(directory, async (vault) => {
        const before = await generationIn(directory);
        await Promise.all(
          Array.from({ length: 500 }, async (_, index) => {
            // Spread over some turns, as requests come.
            await new Promise((resolve) => setTimeout(resolve, index % 10));
            await addService(vault, `s${index}`);
          }),
        );
        const saves = (await generationIn(directory)) - before;
        expect(saves).toBeGreaterThanOrEqual(1);
        expect(saves).toBeLessThanOrEqual(50);
      });
      await withUnlockedVault(directory, async (vault) => {
        expect(services(vault).records.size).toBe(500);
        await Promise.resolve();
      });
    }));

  test("see every change in turn, and are on the disk when it resolves", () =>
    withTemporaryDirectory((directory) =>
      withUnlockedVault(directory, async (vault) => {
        expect(
          await Promise.all([addService(vault, "a"), addService(vault, "b"), addService(vault, "c")]),
        ).toEqual([1, 2, 3]);
        await copyFile(join(directory, "vault.enc"), join(directory, "copy"));
        await withTemporaryDirectory(async (other) => {
          await copyFile(join(directory, "copy"), join(other, "vault.enc"));
          await withUnlockedVault(other, async (copy) => {
            expect([...services(copy).records.keys()]).toEqual(["a", "b", "c"]);
            await Promise.resolve();
          });
        });
      }),
    ));

  test("are the same Map until a commit touches them", () =>
    withTemporaryDirectory((directory) =>
      withUnlockedVault(directory, async (vault) => {
        const tokens = vault.collection("tokens").records;
        const before = services(vault).records;
        const changed = addService(vault, "a");
        expect(services(vault).records).toBe(before);
        await changed;
        expect(services(vault).records).not.toBe(before);
        expect(before.size).toBe(0);
        expect(vault.collection("tokens").records).toBe(tokens);
      }),
    ));

  test("do not change through a record, a Map that was read, or one that was kept after its change", () =>
    withTemporaryDirectory((directory) =>
      withUnlockedVault(directory, async (vault) => {
        let kept: Map<string, SampleService> | undefined;
        await services(vault).change((records) => (kept = records.set("a", sampleService("a"))));
        const records = services(vault).records as Map<string, SampleService>;
        expect(() => records.set("b", sampleService("b"))).toThrow(TypeError);
        expect(() => kept?.clear()).toThrow(TypeError);
        expect(() => Object.assign(records.get("a")!, { url: "x" })).toThrow(TypeError);
      }),
    ));

  test("drop a change that throws, that is not synchronous or cannot be stored, and keep its neighbours", () =>
    withTemporaryDirectory(async (directory) => {
      await withUnlockedVault(directory, async (vault) => {
        await addService(vault, "old");
        const results = await Promise.allSettled([
          addService(vault, "a"),
          services(vault).change((records) => {
            records.delete("old");
            records.set("a", sampleService("changed"));
            records.set("bad", sampleService("bad"));
            throw new RangeError("no");
          }),
          services(vault).change((records) => records.set("bad", { at: new Date() } as never)),
          services(vault).change((records) => {
            records.clear();
            return Promise.resolve();
          }),
          services(vault).change((records) => records.set("x".repeat(2000), sampleService("x"))),
          services(vault).change((records) =>
            records.set("x", { ...sampleService("x"), url: "x".repeat(5_000_000) }),
          ),
          addService(vault, "b"),
        ]);
        expect(results.map(({ status }) => status)).toEqual([
          "fulfilled",
          ...Array.from({ length: 5 }, () => "rejected"),
          "fulfilled",
        ]);
        expect(results[1]).toMatchObject({ reason: expect.any(RangeError) as RangeError });
        expect(results[5]).toMatchObject({ reason: { code: "body_too_large" } });
      });
      await withUnlockedVault(directory, async (vault) => {
        const { records } = services(vault);
        expect([...records.keys()].sort()).toEqual(["a", "b", "old"]);
        expect(records.get("a")?.url).toBe("https://a.example");
        await Promise.resolve();
      });
    }));

  test("are not saved when nothing changed", () =>
    withTemporaryDirectory((directory) =>
      withUnlockedVault(directory, async (vault) => {
        const before = await readFile(join(directory, "vault.enc"));
        await services(vault).change((records) => records.delete("absent"));
        expect(await readFile(join(directory, "vault.enc"))).toEqual(before);
      }),
    ));

  test("never derive a key for a save", () =>
    withTemporaryDirectory((directory) =>
      withUnlockedVault(directory, async (vault) => {
        const { salt } = (await parsedVaultFile(directory)).header.passwordSlot;
        await addService(vault, "a");
        expect((await parsedVaultFile(directory)).header.passwordSlot.salt).toEqual(salt);
      }),
    ));
});

describe("a save that fails", () => {
  test("because another program replaced the file leaves that one, until the vault is unlocked anew", () =>
    withTemporaryDirectory((directory) =>
      withUnlockedVault(directory, async (vault) => {
        const file = join(directory, "vault.enc");
        await addService(vault, "kept");
        const older = await readFile(file);
        await addService(vault, "of another time");
        // Such as a backup that was copied into its place.
        await writeFile(`${file}.new`, older);
        await rename(`${file}.new`, file);
        await expect(addService(vault, "lost")).rejects.toMatchObject({
          code: "conflict",
          message: expect.stringContaining("replaced by another program") as string,
        });
        expect(await readFile(file)).toEqual(older);
        await vault.lock();
        await vault.unlock(PASSWORD, "unknown");
        await addService(vault, "new");
        expect([...services(vault).records.keys()]).toEqual(["kept", "new"]);
      }),
    ));

  test("rejects all of its changes, leaves disk and memory as they were, and the next one works", () =>
    withTemporaryDirectory(async (directory) => {
      await withUnlockedVault(directory, async (vault) => {
        await addService(vault, "kept");
        const events: VaultEvent[] = [];
        vault.subscribe((event) => events.push(event));
        const before = await readFile(join(directory, "vault.enc"));
        const records = services(vault).records;
        await mkdir(join(directory, "vault.enc.tmp"));
        const results = await Promise.allSettled([
          addService(vault, "lost"),
          vault.files.put("lost", "text/plain", Buffer.from("x")),
          vault.changePassword(PASSWORD, WRONG_PASSWORD, "unknown"),
        ]);
        for (const result of results) {
          expect(result).toMatchObject({ status: "rejected", reason: { code: "storage_failed" } });
        }
        expect(await readFile(join(directory, "vault.enc"))).toEqual(before);
        expect(services(vault).records).toBe(records);
        expect(vault.files.list()).toEqual([]);
        expect(events).toEqual([]);
        await rmdir(join(directory, "vault.enc.tmp"));
        await addService(vault, "later");
      });
      await withUnlockedVault(directory, async (vault) => {
        expect([...services(vault).records.keys()]).toEqual(["kept", "later"]);
        await Promise.resolve();
      });
    }));

  test("because the file may not grow so large leaves everything as it was", () =>
    withTemporaryDirectory(async (directory) => {
      const limit = (bytes: string) =>
        promisify(execFile)("prlimit", ["--pid", String(process.pid), `--fsize=${bytes}:unlimited`]);
      await withUnlockedVault(directory, async (vault) => {
        await addService(vault, "kept");
        await limit("20000");
        try {
          const put = vault.files.put("big", "text/plain", Buffer.alloc(100_000));
          await expect(put).rejects.toMatchObject({ code: "storage_failed" });
        } finally {
          await limit("unlimited");
        }
        expect(vault.files.list()).toEqual([]);
        expect((await readdir(directory)).sort()).toEqual(["vault.enc", "vault.enc.bak", "vault.lock"]);
        await vault.files.put("big", "text/plain", Buffer.alloc(100_000));
      });
    }));

  test("while a vault is made leaves none", () =>
    withTemporaryDirectory((directory) =>
      withVault(directory, async (vault) => {
        await mkdir(join(directory, "vault.enc.tmp"));
        await expect(vault.unlock(PASSWORD, "unknown")).rejects.toMatchObject({ code: "storage_failed" });
        expect([vault.status, vault.initialized]).toEqual(["locked", false]);
        await rmdir(join(directory, "vault.enc.tmp"));
        await vault.unlock(PASSWORD, "unknown");
      }),
    ));

  test("because another server has the directory now changes nothing there", () =>
    withTemporaryDirectory((directory) =>
      withUnlockedVault(directory, async (vault) => {
        const lock = JSON.parse(await readFile(join(directory, "vault.lock"), "utf8")) as object;
        await writeFile(join(directory, "vault.lock"), JSON.stringify({ ...lock, nonce: "0".repeat(32) }));
        const before = await readFile(join(directory, "vault.enc"));
        await expect(addService(vault, "lost")).rejects.toMatchObject({ code: "conflict" });
        expect(await readFile(join(directory, "vault.enc"))).toEqual(before);
      }),
    ));
});

describe("stored files", () => {
  test("come back byte for byte, after a restart too", () =>
    withTemporaryDirectory(async (directory) => {
      const bytes = Buffer.from([0, 255, 1, 254]);
      const clock = () => 1_900_000_000_000;
      const info = { name: "a", mime_type: "text/plain", size: 4, created_at: "2030-03-17T17:46:40.000Z" };
      await withUnlockedVault(
        directory,
        async (vault) => {
          const put = vault.files.put("a", "text/plain", bytes);
          bytes.fill(7);
          expect(await put).toEqual(info);
        },
        { clock },
      );
      await withUnlockedVault(directory, async (vault) => {
        expect(vault.files.list()).toEqual([info]);
        expect(vault.files.get("a")).toEqual(info);
        expect(vault.files.get("b")).toBeUndefined();
        expect(await vault.files.read("a")).toEqual(Buffer.from([0, 255, 1, 254]));
        await expect(vault.files.read("b")).rejects.toMatchObject({ code: "not_found" });
        await vault.files.put("a", "image/png", Buffer.alloc(0));
        expect(vault.files.get("a")).toMatchObject({ mime_type: "image/png", size: 0 });
        expect(await vault.files.read("a")).toEqual(Buffer.alloc(0));
        expect(await vault.files.delete("a")).toBe(true);
        expect(await vault.files.delete("a")).toBe(false);
      });
      await withUnlockedVault(directory, async (vault) => {
        expect(vault.files.list()).toEqual([]);
        await Promise.resolve();
      });
    }));

  test("are copied sealed from save to save", () =>
    withTemporaryDirectory(async (directory) => {
      await withUnlockedVault(directory, (vault) =>
        vault.files.put("a", "text/plain", Buffer.from("content")),
      );
      const before = (await parsedVaultFile(directory)).files[0]!.bytes;
      await withUnlockedVault(directory, async (vault) => {
        await addService(vault, "s");
        await vault.files.put("b", "text/plain", Buffer.from("other"));
        const after = await parsedVaultFile(directory);
        expect(after.files).toHaveLength(2);
        expect(after.files[0]!.bytes).toEqual(before);
      });
    }));

  test("have a name and a type of bounded length", () =>
    withTemporaryDirectory((directory) =>
      withUnlockedVault(directory, async ({ files }) => {
        for (const [name, type] of [
          ["", "a/b"],
          ["x".repeat(1025), "a/b"],
          ["x", ""],
          ["x", "y".repeat(256)],
        ] as const) {
          await expect(files.put(name, type, Buffer.alloc(1))).rejects.toMatchObject({
            code: "invalid_request",
          });
        }
        const tooLarge = files.put("x", "a/b", Buffer.alloc(64 * 1024 * 1024 + 1));
        await expect(tooLarge).rejects.toMatchObject({ code: "body_too_large" });
        expect(files.list()).toEqual([]);
      }),
    ));
});
