import { randomBytes } from "node:crypto";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { Secret } from "../redaction/secret.js";
import { isVaultFile, parseVaultFile, type ParsedVaultFile } from "./format.js";
import { openGoVaultFile, type GoVault } from "./go-vault-file.js";
import {
  KEY_BYTES,
  SALT_BYTES,
  VAULT_ID_BYTES,
  type KdfCost,
  type PasswordSlot,
  type VaultHeader,
} from "./header.js";
import { emptyContent, openImage, type Breathe, type StoredFile, type VaultContent } from "./image.js";
import { isWeakerThan } from "./key-derivation.js";
import { openKeySlot, sealKeySlot } from "./key-slot.js";
import { encodeRecord, freezeRecord } from "./record-codec.js";
import { deriveRecoverySecrets, parseRecoveryKey } from "./recovery-key.js";
import { openRecoverySlot } from "./recovery-slot.js";
import { DataKey } from "./segment-cipher.js";
import { RecordTexts } from "./state-codec.js";
import { DamagedVaultFileError, WrongPasswordError } from "./vault-file-error.js";
import { VAULT_FILE_LIMITS } from "./vault-file-limits.js";

/** Leaves room for what tells two of one name apart. */
const MAX_FILE_NAME_CHARACTERS = 240;

/** A vault with its keys and its content in clear. The keys are for who takes it to wipe. */
export interface OpenedVault {
  /** `go`: the bytes were the Go server's, and nothing of this vault is on the disk before its first save. */
  readonly source: "new" | "format 1" | "go";
  readonly header: VaultHeader;
  readonly key: DataKey;
  /** Of the password slot; undefined when the recovery key opened the vault. */
  readonly keyEncryptionKey: Buffer | undefined;
  readonly content: VaultContent;
  readonly texts: RecordTexts;
}

export type DeriveKey = (password: Secret, salt: Buffer, cost: KdfCost) => Promise<Buffer>;

/**
 * Makes the record of a service in a file of the Go server; `json` is the service as it stands there. Its name may be
 * given as a legal one.
 */
export type ImportService = (
  name: string,
  json: object,
) => { readonly name: string; readonly record: object };

export interface OpeningTools {
  readonly derive: DeriveKey;
  /** The cost that slots are written with. */
  readonly cost: KdfCost;
  readonly breathe: Breathe;
  readonly importService: ImportService;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** An empty vault of generation 0: nothing of it is on the disk before its first save. */
export function createEmptyVault(password: Secret, tools: OpeningTools): Promise<OpenedVault> {
  return startVault(password, tools, "new", () => emptyContent());
}

/**
 * Opens the bytes of a vault file by its password or recovery key, or those of the Go server's by its password. The
 * bytes must not be changed afterwards: stored files stay views of them. A slot that was written at a lower cost than
 * today's is made anew; the next save writes it.
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
  if (!isVaultFile(bytes)) return importGoVault(bytes, password, tools);
  const parsed = parseVaultFile(bytes);
  const byRecoveryKey = openWithRecoveryKey(parsed.header, password);
  if (byRecoveryKey !== undefined) return openWithDataKey(parsed, byRecoveryKey, undefined, tools);

  const { passwordSlot: slot, vaultId } = parsed.header;
  const keyEncryptionKey = await deriveFromFile(password, slot, tools.derive);
  const dataKey = openKeySlot(keyEncryptionKey, slot, vaultId);
  if (dataKey === undefined) {
    keyEncryptionKey.fill(0);
    throw new WrongPasswordError();
  }
  if (!isWeakerThan(slot.cost, tools.cost)) return openWithDataKey(parsed, dataKey, keyEncryptionKey, tools);
  keyEncryptionKey.fill(0);
  const stronger = await sealedAnew(password, tools, vaultId, dataKey);
  const opened = await openWithDataKey(parsed, dataKey, stronger.keyEncryptionKey, tools);
  return { ...opened, header: { ...opened.header, passwordSlot: stronger.slot } };
}

/** The data key, if `typed` is the recovery key of this vault: no work worth mentioning. The caller's to wipe. */
export function openWithRecoveryKey(header: VaultHeader, typed: Secret): Buffer | undefined {
  const { recoverySlot, vaultId } = header;
  const recoveryKey = recoverySlot === undefined ? undefined : parseRecoveryKey(typed);
  if (recoverySlot === undefined || recoveryKey === undefined) return undefined;
  const secrets = deriveRecoverySecrets(recoveryKey, vaultId);
  // The slot's public key is what the next data key is sealed to.
  const isOurs = recoverySlot.publicKey.equals(secrets.publicKey);
  const dataKey = isOurs ? openRecoverySlot(secrets, recoverySlot, vaultId) : undefined;
  for (const wiped of [recoveryKey, secrets.privateKey, secrets.psk]) wiped.fill(0);
  return dataKey;
}

/** Takes both keys over, and wipes them if the file does not open. */
async function openWithDataKey(
  parsed: ParsedVaultFile,
  dataKey: Buffer,
  keyEncryptionKey: Buffer | undefined,
  tools: OpeningTools,
): Promise<OpenedVault> {
  const key = new DataKey(dataKey, parsed.header.vaultId, 0);
  try {
    const texts = new RecordTexts();
    const content = await openImage(key, parsed, texts, tools.breathe);
    return { source: "format 1", header: parsed.header, key, keyEncryptionKey, content, texts };
  } catch (error) {
    key.destroy();
    keyEncryptionKey?.fill(0);
    throw error;
  }
}

async function importGoVault(bytes: Buffer, password: Secret, tools: OpeningTools): Promise<OpenedVault> {
  const go = await openGoVaultFile(bytes, (salt, cost) =>
    deriveFromFile(password, { salt, cost }, tools.derive),
  );
  return startVault(password, tools, "go", (key, createdAt) => goContent(go, key, createdAt, tools));
}

/** A vault of generation 0 with fresh keys. */
async function startVault(
  password: Secret,
  tools: OpeningTools,
  source: "new" | "go",
  fill: (key: DataKey, createdAt: string) => VaultContent | Promise<VaultContent>,
): Promise<OpenedVault> {
  const vaultId = randomBytes(VAULT_ID_BYTES);
  const dataKey = randomBytes(KEY_BYTES);
  const { keyEncryptionKey, slot } = await sealedAnew(password, tools, vaultId, dataKey);
  const key = new DataKey(dataKey, vaultId, 0);
  const createdAt = new Date(tools.clock()).toISOString();
  const content = await fill(key, createdAt);
  const header = { vaultId, generation: 0, createdAt, passwordSlot: slot, recoverySlot: undefined };
  return { source, header, key, keyEncryptionKey, content, texts: new RecordTexts() };
}

async function goContent(
  go: GoVault,
  key: DataKey,
  createdAt: string,
  { importService, breathe }: OpeningTools,
): Promise<VaultContent> {
  const empty = emptyContent();
  assertImportable(go);
  const services = new Map<string, object>();
  for (const [goName, json] of go.services) {
    const { name, record } = importService(goName, json);
    assertStorableService(goName, record);
    freezeRecord(record);
    services.set(unused(name, services), record);
  }
  const files = new Map<string, StoredFile>();
  for (const [goName, { mimeType, bytes }] of go.files) {
    files.set(unused(legalFileName(goName), files), {
      mimeType,
      size: bytes.length,
      createdAt,
      segment: key.seal("file", bytes),
    });
    bytes.fill(0);
    await breathe();
  }
  return { ...empty, collections: { ...empty.collections, services }, files };
}

/** What this vault could not store must not be taken over: it would be saved once and never be read again. */
function assertImportable(go: GoVault): void {
  const { storedFiles, storedFileBytes, recordsPerCollection } = VAULT_FILE_LIMITS;
  if (go.files.size > storedFiles) throw tooMuch(`more than ${storedFiles} files`);
  if (go.services.size > recordsPerCollection) throw tooMuch(`more than ${recordsPerCollection} services`);
  for (const [name, { bytes }] of go.files) {
    if (bytes.length > storedFileBytes) throw tooMuch(`the file ${JSON.stringify(name)}, which is too large`);
  }
}

function assertStorableService(name: string, record: object): void {
  let text: string;
  try {
    text = encodeRecord(record);
  } catch {
    throw tooMuch(`the service ${JSON.stringify(name)}, which is nested too deeply`);
  }
  if (Buffer.byteLength(text) > VAULT_FILE_LIMITS.recordBytes) {
    throw tooMuch(`the service ${JSON.stringify(name)}, which is too large`);
  }
}

function tooMuch(what: string): VaultProxyError {
  return new VaultProxyError(
    "storage_failed",
    `the Go server's vault cannot be taken over: it holds ${what}`,
  );
}

/** The Go server took file names that no request can name here. */
function legalFileName(name: string): string {
  const legal = name.replace(/[/\\\p{Cc}\p{Cs}]/gu, "_").replaceAll("..", "__");
  return legal.slice(0, MAX_FILE_NAME_CHARACTERS) || "unnamed";
}

function unused(name: string, taken: ReadonlyMap<string, unknown>): string {
  let candidate = name;
  for (let turn = 2; taken.has(candidate); turn += 1) candidate = `${name}-${turn}`;
  return candidate;
}

async function sealedAnew(
  password: Secret,
  tools: OpeningTools,
  vaultId: Buffer,
  dataKey: Buffer,
): Promise<{ keyEncryptionKey: Buffer; slot: PasswordSlot }> {
  const derivation = { salt: randomBytes(SALT_BYTES), cost: tools.cost };
  try {
    const keyEncryptionKey = await tools.derive(password, derivation.salt, derivation.cost);
    return { keyEncryptionKey, slot: sealKeySlot(keyEncryptionKey, derivation, vaultId, dataKey) };
  } catch (error) {
    dataKey.fill(0);
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
