import { join } from "node:path";
import { readRegularFile } from "./durable-file.js";
import { LOCK_FILE, LOCK_FILE_BYTES, parseHolder } from "./lock-file.js";
import { livenessOf, ownIdentity, type Liveness } from "./process-identity.js";

export interface LockHolder {
  readonly pid: number;
  /** `elsewhere`: of another boot, host or container, where its pid means another process than here. */
  readonly liveness: Liveness;
}

/** Which process holds a data directory; undefined where none says so. */
export async function findLockHolder(directory: string): Promise<LockHolder | undefined> {
  const bytes = await readRegularFile(join(directory, LOCK_FILE), LOCK_FILE_BYTES);
  const holder = bytes === undefined ? undefined : parseHolder(bytes);
  if (holder === undefined) return undefined;
  const liveness = await livenessOf(holder.identity, await ownIdentity());
  return { pid: holder.identity.pid, liveness };
}
