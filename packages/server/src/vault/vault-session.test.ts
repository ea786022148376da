import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { Secret } from "../redaction/secret.js";
import { parseVaultFile } from "./format.js";
import { deriveKey } from "./key-derivation.js";
import { sealKeySlot } from "./key-slot.js";
import { createEmptyVault, openVaultFile } from "./opened-vault.js";
import { DataKey } from "./segment-cipher.js";
import { CHEAP_KDF_COST, CHEAP_TOOLS, PASSWORD } from "./testing/temporary-vault.js";
import { VaultSession } from "./vault-session.js";

const tools = CHEAP_TOOLS;

/** A session that saves into memory, with the Buffers of its keys in view. */
async function sessionInView() {
  const empty = await createEmptyVault(PASSWORD, tools);
  const dataKey = Buffer.from(randomBytes(32));
  const key = new DataKey(dataKey, empty.header.vaultId, 0);
  const { vaultId, passwordSlot: derivedSlot } = empty.header;
  const { keyEncryptionKey } = empty;
  if (keyEncryptionKey === undefined) throw new Error("a new vault has its password's key");
  const passwordSlot = sealKeySlot(keyEncryptionKey, derivedSlot, vaultId, dataKey);
  const disk = { bytes: Buffer.alloc(0), isFull: false };
  const session = new VaultSession(
    { ...empty, header: { ...empty.header, passwordSlot }, key },
    {
      save: (chunks) => {
        if (disk.isFull) return Promise.reject(Object.assign(new Error("full"), { code: "ENOSPC" }));
        disk.bytes = Buffer.concat(chunks);
        return Promise.resolve();
      },
      onCommitted: () => undefined,
      sealsPerKey: 1000,
    },
  );
  const newPassword = async (text: string) => {
    const derivation = { salt: randomBytes(16), cost: CHEAP_KDF_COST };
    const keyEncryptionKey = await deriveKey(new Secret(text), derivation.salt, derivation.cost);
    return { password: { keyEncryptionKey, derivation } };
  };
  return { session, dataKey, keyEncryptionKey, disk, newPassword };
}

const isZero = (bytes: Buffer) => bytes.every((byte) => byte === 0);

describe("a session", () => {
  test("wipes its keys and drops its content when it is closed", async () => {
    const { session, dataKey, keyEncryptionKey } = await sessionInView();
    await session.change((draft) => draft.change("services", (records) => records.set("a", {})));
    expect([isZero(dataKey), isZero(keyEncryptionKey)]).toEqual([false, false]);
    await session.close();
    expect([isZero(dataKey), isZero(keyEncryptionKey)]).toEqual([true, true]);
    expect(session.content.collections.services.size).toBe(0);
  });

  test("wipes the old keys when the password is changed, and keeps them when that fails", async () => {
    const { session, dataKey, keyEncryptionKey, disk, newPassword } = await sessionInView();
    disk.isFull = true;
    await expect(session.changeKey(await newPassword("the next one"))).rejects.toMatchObject({
      code: "storage_full",
    });
    expect([isZero(dataKey), isZero(keyEncryptionKey)]).toEqual([false, false]);
    expect(session.opensWith(keyEncryptionKey)).toBe(true);
    disk.isFull = false;
    const next = await newPassword("the next one");
    await session.changeKey(next);
    expect([isZero(dataKey), isZero(keyEncryptionKey), isZero(next.password.keyEncryptionKey)]).toEqual([
      true,
      true,
      false,
    ]);
    await session.close();
    expect(isZero(next.password.keyEncryptionKey)).toBe(true);
    await expect(openVaultFile(disk.bytes, PASSWORD, tools)).rejects.toThrow();
    await openVaultFile(disk.bytes, new Secret("the next one"), tools);
  });

  test("counts its seals, those of failed saves too, and writes the count", async () => {
    const { session, disk } = await sessionInView();
    const add = (name: string) =>
      session.change((draft) => draft.change("services", (records) => records.set(name, {}).size));
    await add("a");
    disk.isFull = true;
    await expect(add("b")).rejects.toMatchObject({ code: "storage_full" });
    disk.isFull = false;
    await add("c");
    const opened = await openVaultFile(disk.bytes, PASSWORD, tools);
    expect(opened.key.seals).toBe(6);
    expect(parseVaultFile(disk.bytes).header.generation).toBe(2);
    expect([...opened.content.collections.services.keys()]).toEqual(["a", "c"]);
  });

  test("never seals twice under one nonce", async () => {
    const { session, disk } = await sessionInView();
    const nonces = new Set<string>();
    for (let save = 0; save < 50; save += 1) {
      await session.change((draft) => draft.change("services", (records) => records.set("a", { save }).size));
      const { state, trailer } = parseVaultFile(disk.bytes);
      nonces.add(state.nonce.toString("hex")).add(trailer.nonce.toString("hex"));
    }
    expect(nonces.size).toBe(100);
  });
});
