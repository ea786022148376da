import { randomBytes } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { Secret } from "../redaction/secret.js";
import type { CollectionName } from "./collection.js";
import { createCommitQueue, type CommitQueue } from "./commit-queue.js";
import { KEY_BYTES, type PasswordSlot, type RecoverySlot, type VaultHeader } from "./header.js";
import { emptyContent, sealImage, type StoredFile, type VaultContent } from "./image.js";
import { openKeySlot, sealKeySlot } from "./key-slot.js";
import { openWithRecoveryKey, type OpenedVault } from "./opened-vault.js";
import { sealRecoverySlot, type RecoveryRecipient } from "./recovery-slot.js";
import { assertFits } from "./save-limits.js";
import { DataKey } from "./segment-cipher.js";
import { RecordTexts } from "./state-codec.js";
import { toStorageError } from "./storage-error.js";
import { VaultDraft, type DraftFile, type KeyChange } from "./vault-draft.js";
import { VAULT_FILE_LIMITS } from "./vault-file-limits.js";

/** Why a file is saved. Earlier versions of it open with the keys that it replaces. */
export type SaveReason = "change" | "new password" | "new recovery key";

export interface SessionEnvironment {
  /** Puts a whole vault file in its place, durably. */
  save(chunks: readonly Buffer[], reason: SaveReason): Promise<void>;
  /** After the state is swapped, before the changes that made it resolve. */
  onCommitted(changed: ReadonlySet<CollectionName | "files">): void;
  /** Seals after which a data key is replaced. */
  readonly sealsPerKey: number;
}

interface Keys {
  readonly key: DataKey;
  readonly passwordSlot: PasswordSlot;
  readonly recoverySlot: RecoverySlot | undefined;
  readonly recoveryPsk: Buffer | undefined;
}

/** The vault while it is unlocked: its keys, its committed content, and the queue of changes to it. */
export class VaultSession {
  readonly #environment: SessionEnvironment;
  #texts: RecordTexts;
  readonly #queue: CommitQueue<VaultDraft>;
  #header: VaultHeader;
  #key: DataKey;
  #keyEncryptionKey: Buffer | undefined;
  #content: VaultContent;

  /** Takes the keys of `opened` over, and wipes them in {@link VaultSession.close}. */
  constructor(opened: OpenedVault, environment: SessionEnvironment) {
    this.#environment = environment;
    this.#texts = opened.texts;
    this.#header = opened.header;
    this.#key = opened.key;
    this.#keyEncryptionKey = opened.keyEncryptionKey;
    this.#content = opened.content;
    this.#queue = createCommitQueue(
      {
        begin: () => new VaultDraft(this.#content, this.#texts),
        commit: (draft) => this.#commit(draft),
      },
      VAULT_FILE_LIMITS.waitingChanges,
    );
  }

  get content(): VaultContent {
    return this.#content;
  }

  get header(): VaultHeader {
    return this.#header;
  }

  /** Whether a key derived from a password is this vault's. */
  opensWith(keyEncryptionKey: Buffer): boolean {
    const dataKey = openKeySlot(keyEncryptionKey, this.#header.passwordSlot, this.#header.vaultId);
    dataKey?.fill(0);
    return dataKey !== undefined;
  }

  /** Whether what somebody typed is the recovery key of this vault. */
  opensWithRecoveryKey(typed: Secret): boolean {
    const dataKey = openWithRecoveryKey(this.#header, typed);
    dataKey?.fill(0);
    return dataKey !== undefined;
  }

  readFile(file: StoredFile): Buffer {
    return this.#key.open(file.segment);
  }

  change<R>(apply: (draft: VaultDraft) => R): Promise<R> {
    return this.#queue.submit(apply);
  }

  /** Seals everything anew under a fresh data key. Takes the new password's key over on success. */
  changeKey(keyChange: KeyChange): Promise<void> {
    return this.#queue.submit((draft) => draft.changeKey(keyChange));
  }

  /** Drops what waits, lets the running save end, and wipes the keys. */
  async close(): Promise<void> {
    await this.#queue.close(new VaultProxyError("vault_locked", "the vault is locked"));
    this.#key.destroy();
    this.#keyEncryptionKey?.fill(0);
    this.#content.recoveryPsk?.fill(0);
    this.#content = emptyContent();
    this.#texts = new RecordTexts();
  }

  async #commit(draft: VaultDraft): Promise<void> {
    if (!draft.needsSave) return;
    const keyChange = draft.keyChange ?? (this.#isWornOut() ? {} : undefined);
    const keys = keyChange === undefined ? this.#currentKeys() : this.#newKeys(keyChange);
    const { key, passwordSlot, recoverySlot, recoveryPsk } = keys;
    const header = { ...this.#header, generation: this.#header.generation + 1, passwordSlot, recoverySlot };
    let content: VaultContent;
    try {
      const files = await this.#sealFiles(draft.files, key);
      content = { collections: draft.collections, files, recoveryPsk };
      const chunks = await sealImage(key, header, content, this.#texts, nextTurn);
      assertFits(chunks);
      await this.#environment.save(chunks, this.#reasonOf(draft.keyChange));
    } catch (error) {
      if (key !== this.#key) key.destroy();
      throw toStorageError(error);
    }
    if (key !== this.#key) this.#key.destroy();
    this.#key = key;
    if (draft.keyChange?.password !== undefined) {
      this.#keyEncryptionKey?.fill(0);
      this.#keyEncryptionKey = draft.keyChange.password.keyEncryptionKey;
    }
    if (recoveryPsk !== this.#content.recoveryPsk) this.#content.recoveryPsk?.fill(0);
    this.#header = header;
    this.#content = content;
    this.#environment.onCommitted(draft.changed);
  }

  /** After an unlock with the recovery key the password's key is not at hand: then it waits for the next unlock. */
  #isWornOut(): boolean {
    return this.#key.seals >= this.#environment.sealsPerKey && this.#keyEncryptionKey !== undefined;
  }

  #reasonOf(keyChange: KeyChange | undefined): SaveReason {
    if (keyChange === undefined) return "change";
    if (keyChange.recovery === undefined) return "new password";
    return this.#header.recoverySlot === undefined ? "change" : "new recovery key";
  }

  #currentKeys(): Keys {
    const { passwordSlot, recoverySlot } = this.#header;
    return { key: this.#key, passwordSlot, recoverySlot, recoveryPsk: this.#content.recoveryPsk };
  }

  #newKeys({ password, recovery = this.#recoveryRecipient() }: KeyChange): Keys {
    const { vaultId } = this.#header;
    const keyEncryptionKey = password?.keyEncryptionKey ?? this.#keyEncryptionKey;
    if (keyEncryptionKey === undefined) throw new Error("no key to seal the password slot with");
    const derivation = password?.derivation ?? this.#header.passwordSlot;
    const dataKey = randomBytes(KEY_BYTES);
    return {
      passwordSlot: sealKeySlot(keyEncryptionKey, derivation, vaultId, dataKey),
      recoverySlot: recovery === undefined ? undefined : sealRecoverySlot(recovery, vaultId, dataKey),
      recoveryPsk: recovery?.psk,
      key: new DataKey(dataKey, vaultId, 0),
    };
  }

  /** What seals the next recovery slot for the recovery key that there is. */
  #recoveryRecipient(): RecoveryRecipient | undefined {
    const publicKey = this.#header.recoverySlot?.publicKey;
    const psk = this.#content.recoveryPsk;
    return publicKey === undefined || psk === undefined ? undefined : { publicKey, psk };
  }

  /** Seals the new files, and with a new key all of them; every other file stays as it is. */
  async #sealFiles(
    files: ReadonlyMap<string, DraftFile>,
    key: DataKey,
  ): Promise<ReadonlyMap<string, StoredFile>> {
    const isSameKey = key === this.#key;
    if (isSameKey && files === this.#content.files) return this.#content.files;
    const sealed = new Map<string, StoredFile>();
    for (const [name, file] of files) {
      if (isSameKey && file.segment !== undefined) {
        sealed.set(name, file);
        continue;
      }
      const { mimeType, size, createdAt } = file;
      const plaintext = file.segment === undefined ? file.bytes : this.readFile(file);
      sealed.set(name, { mimeType, size, createdAt, segment: key.seal("file", plaintext) });
      plaintext.fill(0);
      // Sealing a file takes milliseconds; a hundred of them must not hold up every call.
      await nextTurn();
    }
    return sealed;
  }
}
