import { createCipheriv, randomBytes } from "node:crypto";
import { access, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Secret } from "../redaction/secret.js";
import { isVaultFile } from "./format.js";
import { deriveKey } from "./key-derivation.js";
import { REFUSED, WRONG_PASSWORD, addService } from "./testing/sample-services.js";
import { PASSWORD, withTemporaryDirectory, withVault } from "./testing/temporary-vault.js";

const GO_COST = { memoryKib: 65_536, passes: 3, lanes: 4 };
const ME = "unknown";

/** What a Go server writes: see docs/vault-format.md. */
async function goFile(json: unknown): Promise<Buffer> {
  const [salt, nonce] = [randomBytes(16), randomBytes(12)];
  const cipher = createCipheriv("aes-256-gcm", await deriveKey(PASSWORD, salt, GO_COST), nonce);
  const text = typeof json === "string" || Buffer.isBuffer(json) ? json : JSON.stringify(json);
  return Buffer.concat([salt, nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()]);
}

const CONTENT = {
  services: {
    api: { name: "api", base_url: "https://api.example.com", auth: { type: "bearer", token: "t" } },
    shell: { name: "shell", base_url: "", auth: { type: "ssh_key", ssh_host_key: "ssh-ed25519 AAAA" } },
  },
  files: {
    key: { name: "key", mime_type: "text/plain", data: Buffer.from("the file").toString("base64") },
    nothing: { name: "nothing", mime_type: "", data: null },
  },
};

async function withGoFile(bytes: Buffer, use: (directory: string) => Promise<void>): Promise<void> {
  await withTemporaryDirectory(async (directory) => {
    await writeFile(join(directory, "vault.enc"), bytes, { mode: 0o644 });
    await use(directory);
  });
}

const vaultFile = (directory: string, name = "vault.enc") => readFile(join(directory, name));
const isThere = (directory: string, name: string) =>
  access(join(directory, name)).then(
    () => true,
    () => false,
  );

describe("the Go server's vault file", () => {
  test("opens with its password: services as they are handed over, files with their bytes", async () => {
    await withGoFile(await goFile(CONTENT), (directory) =>
      withVault(
        directory,
        async (vault) => {
          expect(vault.initialized).toBe(true);
          await vault.unlock(PASSWORD, ME);
          expect([...vault.collection("services").records]).toEqual([
            ["api", { from: "api", token: new Secret("t") }],
            ["shell", { from: "shell", token: new Secret("") }],
          ]);
          expect(vault.files.list()).toMatchObject([
            { name: "key", mime_type: "text/plain", size: 8 },
            { name: "nothing", mime_type: "application/octet-stream", size: 0 },
          ]);
          expect((await vault.files.read("key")).toString()).toBe("the file");
          expect((await vault.files.read("nothing")).length).toBe(0);
        },
        {
          importService: (name, json) => {
            const { auth } = json as { auth: { token?: string } };
            return { name, record: { from: name, token: new Secret(auth.token ?? "") } };
          },
        },
      ),
    );
  });

  test("stays as it is until the next change, then is kept as vault.enc.go, mode 0600", async () => {
    const original = await goFile(CONTENT);
    await withGoFile(original, async (directory) => {
      await withVault(directory, async (vault) => {
        await vault.unlock(PASSWORD, ME);
        expect(await vaultFile(directory)).toEqual(original);
        await vault.lock();
        await vault.unlock(PASSWORD, ME);
        await addService(vault, "new");
        expect(isVaultFile(await vaultFile(directory))).toBe(true);
        expect(await vaultFile(directory, "vault.enc.go")).toEqual(original);
        expect((await stat(join(directory, "vault.enc.go"))).mode & 0o777).toBe(0o600);
        expect(await isThere(directory, "vault.enc.bak")).toBe(false);
        await addService(vault, "newer");
        expect(await vaultFile(directory, "vault.enc.go")).toEqual(original);
        expect(isVaultFile(await vaultFile(directory, "vault.enc.bak"))).toBe(true);
      });
      await withVault(directory, async (vault) => {
        await vault.unlock(PASSWORD, ME);
        expect([...vault.collection("services").records.keys()]).toEqual(["api", "shell", "new", "newer"]);
        expect((await vault.files.read("key")).toString()).toBe("the file");
      });
    });
  });

  test("is removed by a new password, for the old one opens it", async () => {
    await withGoFile(await goFile(CONTENT), (directory) =>
      withVault(directory, async (vault) => {
        await vault.unlock(PASSWORD, ME);
        await vault.changePassword(PASSWORD, new Secret("the password after"), ME);
        expect(await isThere(directory, "vault.enc.go")).toBe(false);
        expect(await isThere(directory, "vault.enc.bak")).toBe(false);
        await vault.lock();
        await expect(vault.unlock(PASSWORD, ME)).rejects.toMatchObject(REFUSED);
      }),
    );
  });

  test("goes on being kept when the first save fails", async () => {
    const original = await goFile(CONTENT);
    await withGoFile(original, (directory) =>
      withVault(directory, async (vault) => {
        await vault.unlock(PASSWORD, ME);
        const lock = await readFile(join(directory, "vault.lock"));
        await writeFile(
          join(directory, "vault.lock"),
          lock.toString().replace(/[0-9a-f]{32}/, "0".repeat(32)),
        );
        await expect(addService(vault, "lost")).rejects.toThrow();
        expect(await vaultFile(directory)).toEqual(original);
        await writeFile(join(directory, "vault.lock"), lock);
        await addService(vault, "new");
        expect(await vaultFile(directory, "vault.enc.go")).toEqual(original);
      }),
    );
  });

  test("with a wrong password, damaged, or of another content is refused as any other file", async () => {
    const good = await goFile(CONTENT);
    const flipped = Buffer.from(good);
    flipped.writeUInt8(flipped.readUInt8(40) ^ 1, 40);
    await withGoFile(good, (directory) =>
      withVault(
        directory,
        async (vault) => {
          await expect(vault.unlock(WRONG_PASSWORD, ME)).rejects.toMatchObject(REFUSED);
          const others = [
            "",
            "[]",
            "null",
            "{",
            '{"services":[]}',
            '{"services":{"a":1}}',
            '{"files":{"a":{"data":1}}}',
          ];
          const notUtf8 = Buffer.concat([Buffer.from('{"a":"'), Buffer.of(0xff), Buffer.from('"}')]);
          const bad = await Promise.all([...others, notUtf8].map(goFile));
          for (const bytes of [flipped, good.subarray(0, 43), Buffer.alloc(0), ...bad]) {
            await writeFile(join(directory, "vault.enc"), bytes);
            await expect(vault.unlock(PASSWORD, "root")).rejects.toMatchObject(REFUSED);
            expect(await vaultFile(directory)).toEqual(bytes);
          }
        },
        { slowedCallers: new Set() },
      ),
    );
  });

  // Made in the test: a runner prints what stands in its table.
  const TOO_MUCH: Record<string, () => object> = {
    "a file that is too large": () => ({
      files: { big: { data: Buffer.alloc(65 * 1024 * 1024).toString("base64") } },
    }),
    "too many files": () => ({
      files: Object.fromEntries(Array.from({ length: 10_001 }, (_, n) => [`f${n}`, {}])),
    }),
    "a service that is nested too deeply": () => ({
      services: { deep: JSON.parse(`${'{"a":'.repeat(80)}1${"}".repeat(80)}`) as object },
    }),
  };

  test.each(Object.keys(TOO_MUCH))(
    "with %s is refused whole, for it could not be read again",
    async (what) => {
      const original = await goFile(TOO_MUCH[what]?.());
      await withGoFile(original, (directory) =>
        withVault(directory, async (vault) => {
          await expect(vault.unlock(PASSWORD, ME)).rejects.toMatchObject({
            code: "storage_failed",
            message: expect.stringContaining("cannot be taken over") as string,
          });
          expect(vault.status).toBe("locked");
          expect((await vaultFile(directory)).equals(original)).toBe(true);
        }),
      );
    },
  );

  test("has the names of files made legal, and none of them lost", async () => {
    const names = ["a/b", "a_b", "..", "", "nul\u0000", "x".repeat(400)];
    const files = Object.fromEntries(
      names.map((name) => [name, { data: Buffer.from(name).toString("base64") }]),
    );
    await withGoFile(await goFile({ files }), (directory) =>
      withVault(directory, async (vault) => {
        await vault.unlock(PASSWORD, ME);
        const listed = vault.files.list().map(({ name }) => name);
        expect(listed).toEqual(["a_b", "a_b-2", "__", "unnamed", "nul_", "x".repeat(240)]);
        const contents = await Promise.all(
          listed.map(async (name) => (await vault.files.read(name)).toString()),
        );
        expect(contents).toEqual(names);
      }),
    );
  });

  test.each([['{"services":null,"files":null}'], ["{}"]])("that is empty (%s) opens", async (json) => {
    await withGoFile(await goFile(json), (directory) =>
      withVault(directory, async (vault) => {
        await vault.unlock(PASSWORD, ME);
        expect(vault.collection("services").records.size).toBe(0);
        expect(vault.files.list()).toEqual([]);
      }),
    );
  });
});
