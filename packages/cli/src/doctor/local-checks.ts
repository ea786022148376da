import { lstat, stat, statfs } from "node:fs/promises";

import { vaultFileIn } from "../data-directory.js";
import type { Environment } from "../output.js";
import { spanText } from "../relative-time.js";
import { readSession } from "../session-file.js";
import { restoreCommand, vaultFileProblem } from "../vault-file-refusal.js";
import { diskSpaceFindings } from "./disk-space.js";
import { fail, ok, warn, type Finding } from "./finding.js";

const BEYOND_OWNER = 0o077;
const WRITABLE_BY_OTHERS = 0o022;
const OLD_BACKUP_MS = 7 * 86_400_000;

export interface LocalPlaces {
  readonly bin: string;
  readonly env: Environment;
  readonly sessionPath: string;
  readonly dataDir: string;
  /** A backup to look at. */
  readonly backup?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** What can be told without a server. */
export async function localFindings(places: LocalPlaces): Promise<Finding[]> {
  return [
    ...(await sessionFindings(places)),
    ...(await dataDirectoryFindings(places)),
    ...(await vaultFileFindings(places)),
    ...(await diskFindings(places)),
    ...(places.backup === undefined ? [] : [await backupFinding(places, places.backup)]),
  ];
}

async function sessionFindings({ bin, env, sessionPath }: LocalPlaces): Promise<Finding[]> {
  const hasOwnToken = (env.VAULT_TOKEN ?? "") !== "";
  try {
    const session = await readSession(sessionPath);
    if (session === undefined) {
      return [ok("session", hasOwnToken ? "none is saved: VAULT_TOKEN is used" : "no session is saved")];
    }
    return hasOwnToken
      ? [warn("session", "VAULT_TOKEN is set and goes before the saved session", "unset VAULT_TOKEN")]
      : [ok("session", `a session is saved for ${session.address || "an unnamed vault"}`)];
  } catch (error) {
    const message = error instanceof Error ? error.message : "the saved session cannot be read";
    return [fail("session", message, `rm ${sessionPath} && ${bin} unlock`)];
  }
}

/** Of a vault that is not on this machine, or another user's, there is nothing to see. */
async function dataDirectoryFindings({ dataDir }: LocalPlaces): Promise<Finding[]> {
  const vaultFile = vaultFileIn(dataDir);
  const [directory, file] = await Promise.all([
    stat(dataDir).catch(() => undefined),
    lstat(vaultFile).catch(() => undefined),
  ]);
  if (directory === undefined || file === undefined || process.platform === "win32") return [];
  if (!file.isFile()) return [fail("data directory", `${vaultFile} is no regular file`)];
  if ((directory.mode & WRITABLE_BY_OTHERS) !== 0) {
    return [fail("data directory", `other users can write to ${dataDir}`, `chmod 700 ${dataDir}`)];
  }
  if ((file.mode & BEYOND_OWNER) !== 0) {
    return [fail("data directory", `other users can read ${vaultFile}`, `chmod 600 ${vaultFile}`)];
  }
  if ((directory.mode & BEYOND_OWNER) !== 0) {
    return [warn("data directory", `other users can look into ${dataDir}`, `chmod 700 ${dataDir}`)];
  }
  return [ok("data directory", `${dataDir} is yours alone`)];
}

/** What shows without the password: that it is a vault file at all. */
async function vaultFileFindings({ bin, dataDir }: LocalPlaces): Promise<Finding[]> {
  const path = vaultFileIn(dataDir);
  const isFile = await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile) return [];
  const { describeVaultFile } = await import("@vault-proxy/server/vault-file");
  const mend = (await restoreCommand(path, bin)) ?? `${bin} vault restore BACKUP`;
  try {
    const { file } = await describeVaultFile(path);
    if (file.format !== "go") return [ok("vault file", `generation ${file.generation}`)];
    return [
      warn(
        "vault file",
        `${path} is the Go server's, or is damaged: this server reads the Go server's at the first unlock`,
        `${bin} vault verify; if that fails, ${mend}`,
      ),
    ];
  } catch (error) {
    return [fail("vault file", error instanceof Error ? error.message : "it cannot be read", mend)];
  }
}

async function diskFindings({ dataDir }: LocalPlaces): Promise<Finding[]> {
  const isThere = await stat(vaultFileIn(dataDir)).then(
    () => true,
    () => false,
  );
  return isThere ? diskSpaceFindings(dataDir, await statfs(dataDir).catch(() => undefined)) : [];
}

async function backupFinding({ bin, dataDir, now }: LocalPlaces, path: string): Promise<Finding> {
  const mend = `${bin} vault backup ${path} --force`;
  const [backup, file] = await Promise.all([
    stat(path).catch(() => undefined),
    stat(vaultFileIn(dataDir)).catch(() => undefined),
  ]);
  if (backup === undefined)
    return fail("backup", `there is no backup at ${path}`, mend.replace(" --force", ""));
  if ((backup.mode & BEYOND_OWNER) !== 0 && process.platform !== "win32") {
    return warn("backup", `other users can read ${path}`, `chmod 600 ${path}`);
  }
  const problem = await vaultFileProblem(path);
  if (problem !== undefined) return fail("backup", problem, mend);
  const age = spanText(now - backup.mtimeMs);
  const isBehind = file === undefined || file.mtimeMs > backup.mtimeMs;
  return isBehind && now - backup.mtimeMs > OLD_BACKUP_MS
    ? warn("backup", `the backup is ${age} old, and the vault has changed since`, mend)
    : ok("backup", isBehind ? `the backup is ${age} old` : "the backup has the newest version");
}
