import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { Logger } from "../redaction/logger.js";
import {
  BACKUP_FILE,
  GO_ORIGINAL_FILE,
  PREVIOUS_FILE,
  REPLACED_FILE,
  VAULT_FILE,
  readVaultFile,
  vaultFileIdentity,
} from "./data-directory.js";
import { removeDurably, replaceDurably } from "./durable-file.js";
import type { LockFile } from "./lock-file.js";
import type { OpenedVault } from "./opened-vault.js";
import type { SaveReason } from "./vault-session.js";

const OPENED_BY_OLD_RECOVERY_KEY = [BACKUP_FILE, REPLACED_FILE];
const OPENED_BY_OLD_PASSWORD = [...OPENED_BY_OLD_RECOVERY_KEY, GO_ORIGINAL_FILE];

/** The vault file and what is kept beside it, for one server that holds the lock. */
export interface VaultDisk {
  /** The bytes of the vault file, or undefined if there is none. */
  read(): Promise<Buffer | undefined>;
  /** What was made of the bytes that were read last. */
  opened(opened: OpenedVault): void;
  /**
   * Puts a new file in its place.
   *
   * @throws {VaultProxyError} `conflict` where it is not the one that this server has read or written last.
   */
  save(opened: OpenedVault, chunks: readonly Buffer[], reason: SaveReason): Promise<void>;
  /** Removes what new keys left over, after `what` was saved. @throws {VaultProxyError} `storage_failed` */
  removePrevious(what: string): Promise<void>;
}

export function createVaultDisk(directory: string, lockFile: LockFile, log: Pick<Logger, "info">): VaultDisk {
  /** What was opened from a Go server's file that still stands under the vault file's name. */
  let goFileOf: OpenedVault | undefined;
  /** Undefined where it is not known. */
  let lastSeen: string | undefined;

  async function assertOurs(): Promise<void> {
    await lockFile.assertHeld();
    // A server that was stopped for long may have lost the directory to another one, and got it back, unawares.
    const found = await vaultFileIdentity(directory);
    if (found !== undefined && lastSeen !== undefined && found !== lastSeen) {
      throw new VaultProxyError(
        "conflict",
        `${VAULT_FILE} was replaced by another program: lock the vault and unlock it again`,
      );
    }
  }

  return {
    async read() {
      lastSeen = await vaultFileIdentity(directory);
      return readVaultFile(directory);
    },

    opened(opened) {
      goFileOf = opened.source === "go" ? opened : undefined;
    },

    async save(opened, chunks, reason) {
      await assertOurs();
      const file = { directory, name: VAULT_FILE, chunks };
      // What opens with the keys that are replaced is gone before the new ones hold.
      if (reason === "new password") {
        await replaceDurably({ ...file, keepAs: PREVIOUS_FILE, remove: OPENED_BY_OLD_PASSWORD });
      } else if (reason === "new recovery key") {
        await replaceDurably({ ...file, keepAs: PREVIOUS_FILE, remove: OPENED_BY_OLD_RECOVERY_KEY });
      } else {
        const isGoFile = goFileOf === opened;
        await replaceDurably({ ...file, keepAs: isGoFile ? GO_ORIGINAL_FILE : BACKUP_FILE });
        if (isGoFile) log.info({}, `the Go server's file is kept as ${GO_ORIGINAL_FILE}`);
      }
      goFileOf = undefined;
      // The save has succeeded, whatever this look at it says.
      lastSeen = await vaultFileIdentity(directory).catch(() => undefined);
    },

    async removePrevious(what) {
      try {
        await removeDurably(directory, [PREVIOUS_FILE]);
      } catch (error) {
        throw new VaultProxyError(
          "storage_failed",
          `${what}, but ${PREVIOUS_FILE}, which opens with the old one, could not be removed`,
          { cause: error },
        );
      }
    },
  };
}
