import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { COLLECTION_NAMES, type CollectionName } from "./collection.js";
import type { StoredFile, VaultContent } from "./image.js";
import { JournaledMap } from "./journaled-map.js";
import type { SlotDerivation } from "./key-slot.js";
import { freezeRecord } from "./record-codec.js";
import type { RecoveryRecipient } from "./recovery-slot.js";
import type { CollectionMaps, RecordTexts } from "./state-codec.js";
import { VAULT_FILE_LIMITS } from "./vault-file-limits.js";

/** A file on its way into the vault, in clear until the save that seals it. */
export interface PendingFile extends Omit<StoredFile, "segment"> {
  readonly bytes: Buffer;
  readonly segment?: undefined;
}

export type DraftFile = StoredFile | PendingFile;

/** What the save that replaces the data key seals it with; what is left out stays as it is. */
export interface KeyChange {
  readonly password?: PasswordKey;
  readonly recovery?: RecoveryRecipient;
}

/** The key that was derived from a password, and with what. */
export interface PasswordKey {
  readonly keyEncryptionKey: Buffer;
  readonly derivation: SlotDerivation;
}

/** The state that the changes of one group make of the committed one. Only the collections they touch are copied. */
export class VaultDraft {
  readonly #base: VaultContent;
  readonly #texts: RecordTexts;
  readonly #copies = new Map<CollectionName, JournaledMap<object>>();
  #files: JournaledMap<DraftFile> | undefined;
  #keyChange: KeyChange | undefined;
  #mustSave = false;

  constructor(base: VaultContent, texts: RecordTexts) {
    this.#base = base;
    this.#texts = texts;
  }

  /** Applies one change to one collection; if `mutate` throws, or leaves what cannot be stored, it is taken back. */
  change<R>(name: CollectionName, mutate: (records: Map<string, object>) => R): R {
    let copy = this.#copies.get(name);
    if (copy === undefined) {
      copy = new JournaledMap(this.#base.collections[name]);
      this.#copies.set(name, copy);
    }
    return applyTo(copy, mutate, (key, record) => {
      assertStorable(name, key, this.#texts.of(record));
      freezeRecord(record);
    });
  }

  changeFiles<R>(mutate: (files: Map<string, DraftFile>) => R): R {
    this.#files ??= new JournaledMap<DraftFile>(this.#base.files);
    return applyTo(this.#files, mutate, () => undefined);
  }

  changeKey(keyChange: KeyChange): void {
    this.#keyChange = keyChange;
    this.#mustSave = true;
  }

  /** A save is due even if no record changed. */
  requireSave(): void {
    this.#mustSave = true;
  }

  get needsSave(): boolean {
    return this.#mustSave || this.changed.size > 0;
  }

  get keyChange(): KeyChange | undefined {
    return this.#keyChange;
  }

  get changed(): ReadonlySet<CollectionName | "files"> {
    const changed = new Set<CollectionName | "files">();
    for (const [name, copy] of this.#copies) if (copy.isChanged) changed.add(name);
    if (this.#files?.isChanged === true) changed.add("files");
    return changed;
  }

  /** What is not changed is the very Map of before. */
  get collections(): CollectionMaps {
    const maps = { ...this.#base.collections };
    for (const name of COLLECTION_NAMES) {
      const copy = this.#copies.get(name);
      if (copy?.isChanged === true) maps[name] = copy;
    }
    return maps;
  }

  get files(): ReadonlyMap<string, DraftFile> {
    return this.#files ?? this.#base.files;
  }
}

function applyTo<T extends object, R>(
  copy: JournaledMap<T>,
  mutate: (entries: Map<string, T>) => R,
  check: (key: string, value: T) => void,
): R {
  copy.open();
  try {
    const result = mutate(copy);
    if (result instanceof Promise) throw new TypeError("a change must be synchronous");
    for (const key of copy.touchedKeys()) {
      const value = copy.get(key);
      if (value !== undefined) check(key, value);
    }
    if (copy.size > VAULT_FILE_LIMITS.recordsPerCollection)
      throw tooLarge("a collection has too many records");
    copy.keep();
    return result;
  } catch (error) {
    copy.rollback();
    throw error;
  } finally {
    copy.seal();
  }
}

function assertStorable(collection: string, key: string, text: string): void {
  if (Buffer.byteLength(key) > VAULT_FILE_LIMITS.recordNameBytes) throw tooLarge("a name is too long");
  if (Buffer.byteLength(text) > VAULT_FILE_LIMITS.recordBytes)
    throw tooLarge(`a record of ${collection} is too large`);
}

function tooLarge(message: string): VaultProxyError {
  return new VaultProxyError("body_too_large", message);
}
