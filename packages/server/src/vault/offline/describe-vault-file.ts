import { VaultProxyError } from "../../errors/vault-proxy-error.js";
import {
  BACKUP_FILE,
  GO_ORIGINAL_FILE,
  PREVIOUS_FILE,
  REPLACED_FILE,
  VAULT_FILE,
} from "../data-directory.js";
import { isVaultFile, parseVaultFile, type ParsedVaultFile } from "../format.js";
import type { PasswordSlot, RecoverySlot } from "../header.js";
import { isLongEnoughForGo } from "./go-length.js";
import { readVaultBytes, type VaultBytes } from "./vault-bytes.js";
import { toFrameError } from "./refusal.js";

/** A key slot as it stands in clear. Ids are hexadecimal. */
export type SlotInfo =
  | {
      readonly kind: "password";
      readonly id: string;
      readonly kdf: "argon2id";
      /** KiB; RFC 9106 §3.1 calls the three costs m, t and p. */
      readonly m_kib: number;
      readonly t: number;
      readonly p: number;
    }
  | { readonly kind: "recovery"; readonly id: string };

interface FileFacts {
  readonly path: string;
  readonly bytes: number;
  /** RFC 3339. */
  readonly modified_at: string;
}

export interface FormatOneInfo extends FileFacts {
  readonly format: 1;
  /** Hexadecimal. */
  readonly vault_id: string;
  /** Counts the saves, from 1. */
  readonly generation: number;
  /** RFC 3339. */
  readonly created_at: string;
  readonly slots: readonly SlotInfo[];
  /** State, stored files and trailer. */
  readonly segments: number;
  /** Of services, tokens, policies and settings. */
  readonly state_bytes: number;
  readonly files: { readonly count: number; readonly bytes: number };
}

/** Nothing in a Go server's file is in clear, so that its length is all that speaks for it. */
export interface GoFileInfo extends FileFacts {
  readonly format: "go";
}

export type VaultFileInfo = FormatOneInfo | GoFileInfo;

/** An earlier version that stands beside a vault file. */
export type EarlierVersion = VaultFileInfo | { readonly path: string; readonly problem: string };

export interface VaultFileDescription {
  readonly file: VaultFileInfo;
  readonly beside: readonly EarlierVersion[];
}

const SUFFIXES = [BACKUP_FILE, PREVIOUS_FILE, GO_ORIGINAL_FILE, REPLACED_FILE].map((name) =>
  name.slice(VAULT_FILE.length),
);

/**
 * What stands in clear in a vault file and in the earlier versions beside it. No secret is in it, and nothing of it is
 * authentic: whoever can write the file can write anything here. `verifyVaultFile` tells.
 *
 * @throws {VaultProxyError} `not_found` and `storage_failed`.
 */
export async function describeVaultFile(path: string): Promise<VaultFileDescription> {
  const file = describe(path, await readVaultBytes(path));
  const beside: EarlierVersion[] = [];
  for (const suffix of SUFFIXES) {
    const found = await describeEarlier(path + suffix);
    if (found !== undefined) beside.push(found);
  }
  return { file, beside };
}

async function describeEarlier(path: string): Promise<EarlierVersion | undefined> {
  try {
    return describe(path, await readVaultBytes(path));
  } catch (error) {
    if (!(error instanceof VaultProxyError)) throw error;
    return error.code === "not_found" ? undefined : { path, problem: error.message };
  }
}

function describe(path: string, { bytes, modifiedAt }: VaultBytes): VaultFileInfo {
  const facts = { path, bytes: bytes.length, modified_at: modifiedAt.toISOString() };
  if (!isVaultFile(bytes) && isLongEnoughForGo(bytes)) return { ...facts, format: "go" };
  try {
    return { ...facts, ...describeFrame(parseVaultFile(bytes)) };
  } catch (error) {
    throw toFrameError(path, error);
  }
}

function describeFrame({ header, state, files }: ParsedVaultFile): Omit<FormatOneInfo, keyof FileFacts> {
  const { passwordSlot, recoverySlot } = header;
  return {
    format: 1,
    vault_id: header.vaultId.toString("hex"),
    generation: header.generation,
    created_at: header.createdAt,
    slots: [passwordSlot, ...(recoverySlot === undefined ? [] : [recoverySlot])].map(describeSlot),
    segments: files.length + 2,
    state_bytes: state.ciphertext.length,
    files: {
      count: files.length,
      bytes: files.reduce((sum, { ciphertext }) => sum + ciphertext.length, 0),
    },
  };
}

function describeSlot(slot: PasswordSlot | RecoverySlot): SlotInfo {
  const id = slot.id.toString("hex");
  if (slot.kind === "recovery") return { kind: slot.kind, id };
  const { memoryKib, passes, lanes } = slot.cost;
  return { kind: slot.kind, id, kdf: "argon2id", m_kib: memoryKib, t: passes, p: lanes };
}
