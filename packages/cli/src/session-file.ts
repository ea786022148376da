import { constants } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

import { CliError } from "./failures.js";
import { fileFailure } from "./file-failure.js";
import { linesOf } from "./secret-source.js";

/** What `unlock` saves, for the calls to the same address after it. */
export interface Session {
  readonly token: string;
  /** The client's name of where the token came from; empty when the file does not tell. */
  readonly address: string;
  /** `--listener-uid` of that unlock: whose loopback listener may be given the token. */
  readonly listenerUid?: string | undefined;
}

/** `undefined` when there is none. Refuses a file that other users may read, and one that holds no token. */
export async function readSession(path: string): Promise<Session | undefined> {
  let text: string;
  try {
    text = await readPrivately(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    if (error instanceof CliError) throw error;
    throw fileFailure("read", `the saved session ${path}`, error);
  }
  const [token = "", address = "", listenerUid] = linesOf(text);
  if (token.trim() === "") throw new CliError(`the saved session ${path} is empty`, "unlock again");
  return { token: token.trim(), address, listenerUid };
}

async function readPrivately(path: string): Promise<string> {
  // O_NONBLOCK: opening a named pipe would otherwise wait for its writer. Windows has no such flag.
  const nonBlocking = (constants as Partial<typeof constants>).O_NONBLOCK ?? 0;
  const file = await open(path, constants.O_RDONLY | nonBlocking);
  try {
    const found = await file.stat();
    if (!found.isFile()) {
      throw new CliError(`the saved session ${path} is no regular file`, "remove it, and unlock again");
    }
    if (process.platform !== "win32" && (found.mode & 0o077) !== 0) {
      throw new CliError(
        "other users may read the saved session",
        `run \`chmod 600 ${path}\`, and unlock again`,
      );
    }
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}

/**
 * Replaces the file in one step, so that no reader meets half a token. The file is 0600, its directory 0700. One line
 * each: the token (all that a Go client writes), the address, and the trusted user id if there is one.
 */
export async function writeSession(path: string, session: Session): Promise<void> {
  const { token, address, listenerUid } = session;
  const lines = [token, address, ...(listenerUid === undefined ? [] : [listenerUid])];
  // Loaded here: most commands only read, and it takes longer to load than they do to run.
  const { randomBytes } = await import("node:crypto");
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
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw fileFailure("write", `the session ${path}`, error);
  }
}

export async function removeSession(path: string): Promise<void> {
  await rm(path, { force: true });
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}
