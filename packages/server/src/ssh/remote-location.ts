import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { parseAllowedPath } from "../ssh-rules/remote-path.js";
import { SFTP_STATUS, SftpStatusError } from "./sftp-failure.js";
import type { FileAttributes, FileKind, SftpSession } from "./sftp-session.js";
import { SSH_LIMITS } from "./ssh-limits.js";

/** Where a path leads at a server, all symbolic links followed. */
export interface RemoteLocation {
  /** The whole of it: what is there, and the names that are not there yet. */
  readonly path: string;
  /** The longest part that is there. */
  readonly existing: string;
  readonly kind: FileKind;
  /** The names after it. */
  readonly missing: readonly string[];
}

export interface LocateOptions {
  /** What the user may not look at counts as not there, instead of as an error. */
  readonly isLenient?: boolean;
}

/**
 * Finds out where a path leads. Every name is looked at, since there are servers whose `realpath` only tidies the text up;
 * and `realpath` is asked, since there are servers (macOS, Windows) where one thing has several spellings.
 *
 * @param path absolute
 * @throws SftpStatusError; VaultProxyError `invalid_request` for too many names or links, or if a name is not UTF-8;
 *   `upstream_failed` if the server's answers are no paths
 */
export async function locate(
  session: Pick<SftpSession, "lstat" | "readlink" | "realpath">,
  path: string,
  { isLenient = false }: LocateOptions = {},
): Promise<RemoteLocation> {
  let names = namesOf(path);
  for (let step = 0; step < SSH_LIMITS.pathSteps; step += 1) {
    if (names.length > SSH_LIMITS.pathNames) {
      throw new VaultProxyError("invalid_request", "remote_path: has too many names");
    }
    // `..` means the parent of where the names before it lead: they come first.
    const parentAt = names.indexOf("..");
    const known = parentAt === -1 ? names : names.slice(0, parentAt);
    const found = await look(session, known, isLenient);
    if (found.last?.kind === "link") {
      const target = await session.readlink(pathOf(names.slice(0, found.count)));
      refuseUnreadable(target);
      const before = target.startsWith("/") ? [] : names.slice(0, found.count - 1);
      names = [...before, ...namesOf(target), ...names.slice(found.count)];
      continue;
    }
    if (parentAt !== -1) {
      if (found.count < known.length) throw new SftpStatusError(SFTP_STATUS.noSuchFile);
      names = [...known.slice(0, -1), ...names.slice(parentAt + 1)];
      continue;
    }
    const existing = pathOf(names.slice(0, found.count));
    const missing = names.slice(found.count);
    const real = await session.realpath(existing).catch((thrown: unknown) => {
      if (isLenient && thrown instanceof SftpStatusError) return existing;
      throw thrown;
    });
    if (real === existing) {
      return { path: pathOf(names), existing, kind: found.last?.kind ?? "directory", missing };
    }
    refuseUnreadable(real);
    const spelling = parseAllowedPath(real);
    if (!spelling.ok || spelling.path !== real) {
      throw new VaultProxyError("upstream_failed", "the server does not say where this path leads");
    }
    names = [...namesOf(real), ...missing];
  }
  throw new VaultProxyError("invalid_request", "remote_path: leads through too many symbolic links");
}

/** How many of the names are there, up to the first link or the first that no name can follow. */
async function look(
  session: Pick<SftpSession, "lstat">,
  names: readonly string[],
  isLenient: boolean,
): Promise<{ count: number; last: FileAttributes | undefined }> {
  const answers = await Promise.allSettled(
    names.map((_, index) => session.lstat(pathOf(names.slice(0, index + 1)))),
  );
  let last: FileAttributes | undefined;
  for (const [index, answer] of answers.entries()) {
    if (answer.status === "rejected") {
      const thrown: unknown = answer.reason;
      const isMissing =
        thrown instanceof SftpStatusError && (isLenient || thrown.status === SFTP_STATUS.noSuchFile);
      if (!isMissing) throw thrown;
      return { count: index, last };
    }
    last = answer.value;
    if (last.kind !== "directory") return { count: index + 1, last };
  }
  return { count: names.length, last };
}

/** The library puts U+FFFD for what is not UTF-8: such a name cannot be told from others. */
function refuseUnreadable(path: string): void {
  if (path === "")
    throw new VaultProxyError("upstream_failed", "the server does not say where this path leads");
  if (path.includes("\ufffd")) {
    throw new VaultProxyError("invalid_request", "remote_path: leads to a name that is not UTF-8");
  }
}

/** The names of an absolute path, or of a link's relative target, `..` as it stands. */
function namesOf(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}

function pathOf(names: readonly string[]): string {
  return `/${names.join("/")}`;
}
