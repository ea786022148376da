import { sizeText } from "../errors/size-text.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { StoredFile } from "./image.js";
import { VAULT_FILE_LIMITS } from "./vault-file-limits.js";
import type { VaultSession } from "./vault-session.js";

export interface FileInfo {
  readonly name: string;
  readonly mime_type: string;
  /** Bytes. */
  readonly size: number;
  /** RFC 3339. */
  readonly created_at: string;
}

/**
 * Stored files. In memory they stay sealed, as they stand in the vault file: so a save copies them without reading the
 * disk, a copy that goes bad on the disk is healed by the next save, and no file is in clear before it is asked for.
 *
 * Every method throws or rejects with `vault_locked` while locked.
 */
export interface FileStore {
  list(): FileInfo[];
  get(name: string): FileInfo | undefined;
  /** A fresh copy of the file in clear. Rejects with `not_found`. */
  read(name: string): Promise<Buffer>;
  /** Adds or replaces. `bytes` is copied at once. */
  put(name: string, mimeType: string, bytes: Buffer): Promise<FileInfo>;
  /** Resolves to false if there is no such file. */
  delete(name: string): Promise<boolean>;
}

const MIME_TYPE_BYTES = 255;

/** @param session throws `vault_locked` while there is none. */
export function createFileStore(session: () => VaultSession, clock: () => number): FileStore {
  return {
    list() {
      return [...session().content.files].map(([name, file]) => toInfo(name, file));
    },

    get(name) {
      const file = session().content.files.get(name);
      return file === undefined ? undefined : toInfo(name, file);
    },

    read(name) {
      return new Promise((resolve) => {
        const open = session();
        const file = open.content.files.get(name);
        if (file === undefined) throw new VaultProxyError("not_found", "no such file");
        resolve(open.readFile(file));
      });
    },

    async put(name, mimeType, bytes) {
      const open = session();
      assertShort("name", name, VAULT_FILE_LIMITS.recordNameBytes);
      assertShort("mime_type", mimeType, MIME_TYPE_BYTES);
      if (bytes.length > VAULT_FILE_LIMITS.storedFileBytes) {
        throw new VaultProxyError(
          "body_too_large",
          `the file is larger than ${sizeText(VAULT_FILE_LIMITS.storedFileBytes)}`,
        );
      }
      const createdAt = new Date(clock()).toISOString();
      const pending = { mimeType, size: bytes.length, createdAt, bytes: Buffer.from(bytes) };
      await open.change((draft) =>
        draft.changeFiles((files) => {
          if (!files.has(name) && files.size >= VAULT_FILE_LIMITS.storedFiles) {
            throw new VaultProxyError("storage_full", "the vault holds as many files as it can");
          }
          files.set(name, pending);
        }),
      );
      return toInfo(name, pending);
    },

    async delete(name) {
      return session().change((draft) => draft.changeFiles((files) => files.delete(name)));
    },
  };
}

function toInfo(name: string, file: Omit<StoredFile, "segment">): FileInfo {
  return { name, mime_type: file.mimeType, size: file.size, created_at: file.createdAt };
}

function assertShort(field: string, value: string, maxBytes: number): void {
  if (value === "" || Buffer.byteLength(value) > maxBytes) {
    throw new VaultProxyError(
      "invalid_request",
      `${field}: must not be empty, nor longer than ${sizeText(maxBytes)}`,
    );
  }
}
