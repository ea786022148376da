import { randomBytes } from "node:crypto";
import { mkdir, open, rename, rm, stat, readFile } from "node:fs/promises";
import { dirname } from "node:path";

import { CliError } from "./failures.js";
import { linesOf } from "./secret-source.js";

/** What `unlock` saves, for the calls to the same address after it. */
export interface Session {
  readonly token: string;
  /** The client's name of where the token came from; empty when the file does not tell. */
  readonly address: string;
  /** `--listener-uid` of that unlock: whose loopback listener may be given the token. */
  readonly listenerUid?: string | undefined;
}

/** `undefined` when there is none. Refuses a file that other users may read. */
export async function readSession(path: string): Promise<Session | undefined> {
  try {
    const { mode } = await stat(path);
    if (process.platform !== "win32" && (mode & 0o077) !== 0) {
      throw new CliError(
        "other users may read the saved session",
        `run \`chmod 600 ${path}\`, and unlock again`,
      );
    }
    const [token = "", address = "", listenerUid] = linesOf(await readFile(path, "utf8"));
    return { token: token.trim(), address, listenerUid };
  } catch (error) {
    if (isMissing(error)) return undefined;
    if (error instanceof CliError) throw error;
    throw new CliError(`cannot read the saved session ${path}`);
  }
}

/**
 * Replaces the file in one step, so that no reader meets half a token. The file is 0600, its directory 0700. One line
 * each: the token (all that a Go client writes), the address, and the trusted user id if there is one.
 */
export async function writeSession(path: string, session: Session): Promise<void> {
  const { token, address, listenerUid } = session;
  const lines = [token, address, ...(listenerUid === undefined ? [] : [listenerUid])];
  const temporary = `${path}.${randomBytes(8).toString("hex")}`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(lines.map((line) => `${line}\n`).join(""));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw new CliError(`cannot save the session to ${path}`);
  }
}

export async function removeSession(path: string): Promise<void> {
  await rm(path, { force: true });
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}
