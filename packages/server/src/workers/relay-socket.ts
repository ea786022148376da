import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import type { Server } from "node:net";
import { join } from "node:path";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { WORKER_LIMITS } from "./limits.js";

const DIRECTORY = "workers";
const SOCKET = "owner.sock";
const OWNER_ONLY = 0o700;

/** Where the owner can be reached by its workers. */
export interface RelaySocket {
  readonly path: string;
  /** Removes it, and the directory made for it. */
  remove(): Promise<void>;
}

/**
 * Lets a server listen on a unix socket that only its own user can reach: in the data directory, where what a killed
 * server has left is cleared by the next one, or else in the directory for temporary files.
 *
 * @param dataDir to which no other server writes
 * @throws {VaultProxyError} `storage_failed` if neither takes it
 */
export async function listenForWorkers(
  door: Server,
  { dataDir, temporaryDir }: { readonly dataDir: string; readonly temporaryDir: string },
): Promise<RelaySocket> {
  const own = join(dataDir, DIRECTORY);
  const inDataDir = async (): Promise<string> => {
    await rm(own, { recursive: true, force: true });
    await mkdir(own, { mode: OWNER_ONLY });
    return own;
  };
  let cause: unknown;
  for (const makeDirectory of [inDataDir, () => mkdtemp(join(temporaryDir, "vault-proxy-"))]) {
    let directory: string | undefined;
    const remove = async (): Promise<void> => {
      if (directory !== undefined) await rm(directory, { recursive: true, force: true });
    };
    try {
      directory = await makeDirectory();
      const path = join(directory, SOCKET);
      await listenAt(door, path);
      return { path, remove };
    } catch (error) {
      cause = error;
      await remove().catch(() => undefined);
    }
  }
  const message = `no socket for the workers can be made, neither in ${own} nor in ${temporaryDir}`;
  throw new VaultProxyError("storage_failed", message, { cause });
}

async function listenAt(door: Server, path: string): Promise<void> {
  if (Buffer.byteLength(path) > WORKER_LIMITS.socketPathBytes) throw new RangeError("the path is too long");
  const listening = once(door, "listening");
  door.listen({ path, backlog: WORKER_LIMITS.relayBacklog });
  await listening;
}
