import { randomBytes } from "node:crypto";
import type { Secret } from "../redaction/secret.js";
import { parseVaultFile } from "./format.js";
import { KEY_BYTES, SALT_BYTES, VAULT_ID_BYTES, type KdfCost, type VaultHeader } from "./header.js";
import { emptyContent, openImage, type Breathe, type VaultContent } from "./image.js";
import { isWeakerThan } from "./key-derivation.js";
import { openKeySlot, sealKeySlot } from "./key-slot.js";
import { DataKey } from "./segment-cipher.js";
import { RecordTexts } from "./state-codec.js";
import { DamagedVaultFileError, WrongPasswordError } from "./vault-file-error.js";

/** A vault with its keys and its content in clear. The keys are for who takes it to wipe. */
export interface OpenedVault {
  readonly header: VaultHeader;
  readonly key: DataKey;
  readonly keyEncryptionKey: Buffer;
  readonly content: VaultContent;
  readonly texts: RecordTexts;
}

export type DeriveKey = (password: Secret, salt: Buffer, cost: KdfCost) => Promise<Buffer>;

export interface OpeningTools {
  readonly derive: DeriveKey;
  /** The cost that slots are written with. */
  readonly cost: KdfCost;
  readonly breathe: Breathe;
}

/** An empty vault of generation 0: nothing of it is on the disk before its first save. */
export async function createEmptyVault(
  password: Secret,
  tools: OpeningTools,
  createdAt: string,
): Promise<OpenedVault> {
  const vaultId = randomBytes(VAULT_ID_BYTES);
  const derivation = { salt: randomBytes(SALT_BYTES), cost: tools.cost };
  const keyEncryptionKey = await tools.derive(password, derivation.salt, derivation.cost);
  const dataKey = randomBytes(KEY_BYTES);
  const passwordSlot = sealKeySlot(keyEncryptionKey, derivation, vaultId, dataKey);
  return {
    header: { vaultId, generation: 0, createdAt, passwordSlot },
    key: new DataKey(dataKey, vaultId, 0),
    keyEncryptionKey,
    content: emptyContent(),
    texts: new RecordTexts(),
  };
}

/**
 * Opens the bytes of a vault file. The bytes must not be changed afterwards: stored files stay views of them.
 * A slot that was written at a lower cost than today's is made anew; the next save writes it.
 *
 * @throws {NewerVaultFormatError}
 * @throws {WrongPasswordError} when a key was derived and does not open the slot.
 * @throws {DamagedVaultFileError}
 */
export async function openVaultFile(
  bytes: Buffer,
  password: Secret,
  tools: OpeningTools,
): Promise<OpenedVault> {
  const parsed = parseVaultFile(bytes);
  const { header } = parsed;
  const { passwordSlot: slot, vaultId } = header;
  let keyEncryptionKey = await deriveFromFile(password, slot, tools.derive);
  const dataKey = openKeySlot(keyEncryptionKey, slot, vaultId);
  if (dataKey === undefined) {
    keyEncryptionKey.fill(0);
    throw new WrongPasswordError();
  }
  const key = new DataKey(dataKey, vaultId, 0);
  try {
    const texts = new RecordTexts();
    const content = await openImage(key, parsed, texts, tools.breathe);
    let passwordSlot = slot;
    if (isWeakerThan(slot.cost, tools.cost)) {
      const derivation = { salt: randomBytes(SALT_BYTES), cost: tools.cost };
      keyEncryptionKey.fill(0);
      keyEncryptionKey = await tools.derive(password, derivation.salt, derivation.cost);
      passwordSlot = sealKeySlot(keyEncryptionKey, derivation, vaultId, dataKey);
    }
    return { header: { ...header, passwordSlot }, key, keyEncryptionKey, content, texts };
  } catch (error) {
    key.destroy();
    keyEncryptionKey.fill(0);
    throw error;
  }
}

async function deriveFromFile(
  password: Secret,
  { salt, cost }: { readonly salt: Buffer; readonly cost: KdfCost },
  derive: DeriveKey,
): Promise<Buffer> {
  try {
    return await derive(password, salt, cost);
  } catch {
    // The cost is the file's: one that this host has no memory for is answered like any other damage.
    throw new DamagedVaultFileError("the key derivation that it asks for did not run");
  }
}
