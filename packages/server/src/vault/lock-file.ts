import { createHash, randomBytes } from "node:crypto";
import { link, readdir, rename, stat, unlink, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import {
  hasNoLinks,
  openRegularFile,
  readRegularFile,
  writeNewFile,
  type FileOwner,
} from "./durable-file.js";
import { livenessOf, ownIdentity, type ProcessIdentity } from "./process-identity.js";
import { errorCodeOf, toStorageError } from "./storage-error.js";

/*
 * One server a data directory. The lock is a file that appears complete under its name (a hard link of a finished
 * file), so that only one of two starters can make it.
 *
 * A stale lock may not simply be removed: between one starter's look and its removal another may have put a fresh lock
 * in its place. So a starter first claims the succession, a file named by the stale lock's nonce, which again only one
 * can make; then looks whether the stale lock still stands; and only then puts its own in its place by one rename.
 * A successor that died on the way leaves a stale claim, which is succeeded in the same way.
 *
 * A holder in another pid namespace cannot be looked up by pid. It is known alive by its heartbeat, the file's mtime.
 */

export const LOCK_FILE = "vault.lock";

/** A draft of a lock, or a claim of its succession. */
const LEFT_OVER = /^vault\.lock\.(?:after-)?[0-9a-f]{32}$/;
export const LOCK_FILE_BYTES = 4096;
const MAX_DEAD_SUCCESSORS = 16;
const MAX_TURNS = 50;
const NONCE_BYTES = 16;
const HALF_WRITTEN_MS = 1_000;

export interface LockTiming {
  readonly heartbeatMs: number;
  /** How long a heartbeat may be missing; several beats, for a host may be busy. */
  readonly silenceMs: number;
  readonly pollMs: number;
}

const DEFAULT_TIMING: LockTiming = { heartbeatMs: 2_000, silenceMs: 8_000, pollMs: 100 };

export interface LockFile {
  /**
   * Rejects with `conflict` if another server has taken the directory over, as it may from a server that was stopped
   * for long; a lock that somebody removed is made again.
   */
  assertHeld(): Promise<void>;
  release(): Promise<void>;
}

const holderSchema = z.object({
  pid: z.int().min(1),
  start_time: z.string().nullable(),
  boot_id: z.string().nullable(),
  pid_namespace: z.string().nullable(),
  nonce: z.string().regex(/^[0-9a-f]{32}$/),
});

/** What a lock file holds: the process, and a value that no other lock has. */
interface Holder {
  readonly identity: ProcessIdentity;
  readonly nonce: string;
}

/** A lock in the making. */
interface Claimant extends Holder {
  readonly owner: FileOwner | undefined;
}

/**
 * @param owner whose the lock file is to be, if not this process's user: one that root leaves behind would keep out a
 *   server that cannot read it
 * @throws {VaultProxyError} `conflict` that names the pid, when another process holds the directory; `storage_failed`
 *   or `storage_full` when the directory cannot be written.
 */
export async function takeLock(
  directory: string,
  timing: LockTiming = DEFAULT_TIMING,
  owner?: FileOwner,
): Promise<LockFile> {
  const nonce = randomBytes(NONCE_BYTES).toString("hex");
  const self: Claimant = { identity: await ownIdentity(), nonce, owner };
  const path = join(directory, LOCK_FILE);
  await withDraft(path, self, (draft) => claim(directory, draft, self, timing));
  await removeLeftOvers(directory);
  let heart = await openHeart(path);

  const timer = setInterval(() => {
    const now = new Date();
    // A missed beat is made up by the next one.
    void heart?.utimes(now, now).catch(() => undefined);
  }, timing.heartbeatMs);
  timer.unref();

  return {
    async assertHeld() {
      const found = await readHolder(path, timing);
      if (found?.nonce === self.nonce) return;
      if (found !== undefined) throw heldBy(found);
      const isMade = await withDraft(path, self, (draft) => makeExclusively(draft, path, owner));
      if (!isMade) throw new VaultProxyError("conflict", "another server has taken this data directory");
      await heart?.close().catch(() => undefined);
      heart = await openHeart(path);
    },
    async release() {
      clearInterval(timer);
      await heart?.close().catch(() => undefined);
      heart = undefined;
      // What cannot be removed is the lock of a process that has ended, which the next server sees.
      const found = await readHolder(path, timing).catch(() => undefined);
      if (found?.nonce === self.nonce) await unlinkQuietly(path);
    },
  };
}

/** The lock just made, to be touched at every beat. Who cannot do that must not keep it. */
async function openHeart(path: string): Promise<FileHandle | undefined> {
  try {
    return await openRegularFile(path);
  } catch (error) {
    await unlinkQuietly(path);
    throw cannotLock(error);
  }
}

/** Makes `draft` the lock, or throws. */
async function claim(directory: string, draft: string, self: Claimant, timing: LockTiming): Promise<void> {
  for (let turn = 0; turn < MAX_TURNS; turn += 1) {
    if (await claimOnce(directory, draft, self, timing)) return;
    // Somebody else moved in the same moment: look again.
    await delay(timing.pollMs);
  }
  throw new VaultProxyError("conflict", "another server keeps taking this data directory");
}

async function claimOnce(
  directory: string,
  draft: string,
  self: Claimant,
  timing: LockTiming,
): Promise<boolean> {
  const stale: { readonly path: string; readonly nonce: string }[] = [];
  let path = join(directory, LOCK_FILE);
  while (!(await makeExclusively(draft, path, self.owner))) {
    const holder = await readHolder(path, timing);
    if (holder === undefined) return false;
    if (await isAlive(path, holder, self, timing)) throw heldBy(holder);
    stale.push({ path, nonce: holder.nonce });
    if (stale.length > MAX_DEAD_SUCCESSORS)
      throw new VaultProxyError("conflict", `remove ${LOCK_FILE}* by hand`);
    path = join(directory, `${LOCK_FILE}.after-${holder.nonce}`);
  }
  const [first] = stale;
  if (first === undefined) return true;
  for (const { path: stalePath, nonce } of stale) {
    if ((await readHolder(stalePath, timing))?.nonce !== nonce) {
      await unlinkQuietly(path);
      return false;
    }
  }
  await rename(path, first.path);
  return true;
}

async function isAlive(path: string, holder: Holder, self: Holder, timing: LockTiming): Promise<boolean> {
  const liveness = await livenessOf(holder.identity, self.identity);
  return liveness === "elsewhere" ? hasHeartbeat(path, timing) : liveness === "alive";
}

/** Watches for a while instead of comparing with the clock, which may have been set meanwhile. */
async function hasHeartbeat(path: string, timing: LockTiming): Promise<boolean> {
  const first = await modifiedAt(path);
  for (let waited = 0; waited < timing.silenceMs; waited += timing.pollMs) {
    await delay(timing.pollMs);
    const now = await modifiedAt(path);
    if (now !== first) return now !== undefined;
  }
  return false;
}

async function modifiedAt(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mtimeMs;
  } catch {
    return undefined;
  }
}

/** Gives `path` to what `draft` holds, unless something has that name. */
async function makeExclusively(draft: string, path: string, owner: FileOwner | undefined): Promise<boolean> {
  try {
    await link(draft, path).catch(async (error: unknown) => {
      if (!hasNoLinks(error)) throw error;
      const bytes = await readRegularFile(draft, LOCK_FILE_BYTES);
      if (bytes !== undefined) await writeNewFile(path, [bytes], owner);
    });
    return true;
  } catch (error) {
    if (errorCodeOf(error) === "EEXIST") return false;
    // Whoever holds the lock clears away the drafts of those who came too late.
    if (errorCodeOf(error) === "ENOENT") {
      throw new VaultProxyError("conflict", "another server has just taken this data directory", {
        cause: error,
      });
    }
    throw cannotLock(error);
  }
}

/** The holder that a lock file names, or undefined if there is no such file. */
async function readHolder(path: string, timing: LockTiming): Promise<Holder | undefined> {
  let bytes: Buffer | undefined;
  // Where there are no hard links, a lock is written under its own name, and may be met half written.
  for (let waited = 0; waited <= HALF_WRITTEN_MS; waited += timing.pollMs) {
    try {
      bytes = await readRegularFile(path, LOCK_FILE_BYTES);
    } catch (error) {
      throw cannotLock(error);
    }
    if (bytes === undefined) return undefined;
    const holder = parseHolder(bytes);
    if (holder !== undefined) return holder;
    await delay(timing.pollMs);
  }
  // Nobody is going to finish it. It gets a nonce of its own, so that it can be succeeded like any other.
  const nonce = createHash("sha256")
    .update(`${await modifiedAt(path)}`)
    .update(bytes ?? "")
    .digest("hex")
    .slice(0, 2 * NONCE_BYTES);
  return { identity: { pid: 0, startTime: null, bootId: "unreadable", pidNamespace: null }, nonce };
}

export function parseHolder(bytes: Buffer): Holder | undefined {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
  const parsed = holderSchema.safeParse(json);
  if (!parsed.success) return undefined;
  const { pid, start_time, boot_id, pid_namespace, nonce } = parsed.data;
  return { identity: { pid, startTime: start_time, bootId: boot_id, pidNamespace: pid_namespace }, nonce };
}

/** Lends a finished lock file under a name of its own. */
async function withDraft<R>(
  path: string,
  { identity, nonce, owner }: Claimant,
  use: (draft: string) => Promise<R>,
): Promise<R> {
  const draft = `${path}.${nonce}`;
  const json = {
    pid: identity.pid,
    start_time: identity.startTime,
    boot_id: identity.bootId,
    pid_namespace: identity.pidNamespace,
    nonce,
  };
  try {
    await writeNewFile(draft, [Buffer.from(`${JSON.stringify(json)}\n`)], owner);
    return await use(draft);
  } catch (error) {
    throw cannotLock(error);
  } finally {
    await unlinkQuietly(draft);
  }
}

/** Of starters that died. They do no harm, so that a failure here is none. */
async function removeLeftOvers(directory: string): Promise<void> {
  for (const name of await readdir(directory).catch(() => [])) {
    if (LEFT_OVER.test(name)) await unlinkQuietly(join(directory, name));
  }
}

async function unlinkQuietly(path: string): Promise<void> {
  await unlink(path).catch(() => undefined);
}

function heldBy({ identity }: Holder): VaultProxyError {
  return new VaultProxyError(
    "conflict",
    `another vault server (pid ${identity.pid}) uses this data directory`,
  );
}

function cannotLock(error: unknown): VaultProxyError {
  if (error instanceof VaultProxyError) return error;
  const { code } = toStorageError(error);
  const message =
    code === "storage_full"
      ? "no room left for the lock file in the data directory"
      : "the lock file in the data directory cannot be read or written";
  return new VaultProxyError(code, message, { cause: error });
}
