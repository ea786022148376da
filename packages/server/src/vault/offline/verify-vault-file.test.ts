import { createCipheriv, randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { Secret } from "../../redaction/secret.js";
import { parseVaultFile } from "../format.js";
import { KEY_BYTES } from "../header.js";
import { sealImage } from "../image.js";
import { deriveKey } from "../key-derivation.js";
import { openVaultFile } from "../opened-vault.js";
import { DataKey } from "../segment-cipher.js";
import {
  CHEAP_TOOLS,
  PASSWORD,
  withTemporaryDirectory,
  withUnlockedVault,
} from "../testing/temporary-vault.js";
import { FILE_BYTES, makeVault } from "../testing/vault-in-directory.js";
import { verifyVaultFile } from "./verify-vault-file.js";

const REFUSED = { code: "unauthorized", message: "wrong password or damaged vault file" };
const WRONG = new Secret("wrong horse battery");

describe("verifying a vault file", () => {
  test("counts what is in it", () =>
    withTemporaryDirectory(async (directory) => {
      const path = await makeVault(directory);
      expect(await verifyVaultFile(path, PASSWORD)).toEqual({
        format: 1,
        generation: 3,
        services: 1,
        files: 1,
        tokens: 0,
        policies: 0,
      });
    }));

  test("takes the recovery key", () =>
    withTemporaryDirectory(async (directory) => {
      const path = await makeVault(directory);
      const key = await withUnlockedVault(directory, (vault) => vault.createRecoveryKey(PASSWORD, "unknown"));
      expect(await verifyVaultFile(path, key)).toMatchObject({ generation: 4 });
    }));

  test("refuses a wrong password and every damaged byte with one sentence", () =>
    withTemporaryDirectory(async (directory) => {
      const path = await makeVault(directory);
      await expect(verifyVaultFile(path, WRONG)).rejects.toMatchObject(REFUSED);
      const good = await readFile(path);
      const { headerBytes, state, files, trailer } = parseVaultFile(good);
      const places = [headerBytes, state.ciphertext, files[0]!.ciphertext, files[0]!.tag, trailer.tag];
      const damaged = join(directory, "damaged");
      for (const place of places) {
        place[place.length - 2]! ^= 1;
        await writeFile(damaged, good);
        await expect(verifyVaultFile(damaged, PASSWORD)).rejects.toMatchObject(REFUSED);
        place[place.length - 2]! ^= 1;
      }
      for (const length of [0, 7, 8, 100, good.length - 1]) {
        await writeFile(damaged, good.subarray(0, length));
        await expect(verifyVaultFile(damaged, PASSWORD)).rejects.toMatchObject(REFUSED);
      }
    }));

  test("opens every stored file: that the trailer names its bytes is not enough", () =>
    withTemporaryDirectory(async (directory) => {
      const path = await makeVault(directory);
      const opened = await openVaultFile(await readFile(path), PASSWORD, CHEAP_TOOLS);
      const [name, file] = [...opened.content.files][0]!;
      // As a bit that tipped in memory between sealing and hashing would have left it.
      const stranger = new DataKey(randomBytes(KEY_BYTES), opened.header.vaultId, 0);
      const segment = stranger.seal("file", FILE_BYTES);
      const content = { ...opened.content, files: new Map([[name, { ...file, segment }]]) };
      await writeFile(
        path,
        Buffer.concat(
          await sealImage(opened.key, opened.header, content, opened.texts, () => Promise.resolve()),
        ),
      );
      await expect(openVaultFile(await readFile(path), PASSWORD, CHEAP_TOOLS)).resolves.toBeDefined();
      await expect(verifyVaultFile(path, PASSWORD)).rejects.toMatchObject(REFUSED);
    }));

  test("opens a file of the Go server", () =>
    withTemporaryDirectory(async (directory) => {
      const path = join(directory, "vault.enc");
      await writeFile(path, await sealAsGo({ services: { a: {}, b: {} }, files: { k: { data: "eA==" } } }));
      expect(await verifyVaultFile(path, PASSWORD)).toEqual({
        format: "go",
        generation: undefined,
        services: 2,
        files: 1,
        tokens: 0,
        policies: 0,
      });
      await expect(verifyVaultFile(path, WRONG)).rejects.toMatchObject(REFUSED);
    }));

  test("leaves no key behind", () =>
    withTemporaryDirectory(async (directory) => {
      const path = await makeVault(directory);
      const destroy = vi.spyOn(DataKey.prototype, "destroy");
      await verifyVaultFile(path, PASSWORD);
      expect(destroy).toHaveBeenCalledTimes(1);
      destroy.mockRestore();
    }));
});

/** `salt16 ‖ nonce12 ‖ ciphertext ‖ tag` at the Go server's cost. */
async function sealAsGo(content: object): Promise<Buffer> {
  const salt = randomBytes(16);
  const nonce = randomBytes(12);
  const key = await deriveKey(PASSWORD, salt, { memoryKib: 65_536, passes: 3, lanes: 4 });
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  const ciphertext = Buffer.concat([cipher.update(JSON.stringify(content)), cipher.final()]);
  return Buffer.concat([salt, nonce, ciphertext, cipher.getAuthTag()]);
}
