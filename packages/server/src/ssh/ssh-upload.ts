import { randomBytes } from "node:crypto";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { partFileName } from "./part-file-name.js";
import { locate, type RemoteLocation } from "./remote-location.js";
import { SFTP_STATUS, SftpStatusError, sftpFailure } from "./sftp-failure.js";
import { createSftpSession, type FileHandle, type SftpSession } from "./sftp-session.js";
import type { SshCall } from "./ssh-calls.js";
import { SSH_LIMITS } from "./ssh-limits.js";
import { admitPath, inDirectory, readServerRules, type ServerRules } from "./transfer-rules.js";

export interface UploadRequest {
  readonly remotePath: string;
  /** The file, which is whole when this ends, and not if it throws. */
  readonly content: AsyncIterable<Buffer>;
  /** Permission bits; asked for when `content` has ended. */
  readonly mode: () => number;
  /** How long the server may say nothing; default: as SSH_LIMITS. */
  readonly answerMs?: number | undefined;
}

export interface UploadResult {
  readonly bytes: number;
  /** As it was cleaned. */
  readonly remotePath: string;
}

/** Of directories that are made, less what the server's umask takes. */
const DIRECTORY_MODE = 0o755;
/** Until it is whole, it is nobody else's. */
const PART_MODE = 0o600;
const RANDOM_BYTES = 6;
/** Less than this is free where a disk is full. */
const FULL_DISK_BYTES = SSH_LIMITS.pieceBytes;

/**
 * Writes a file to a service's server: beside its place, and renamed into it when it is whole, so that an upload that
 * breaks off leaves what was there.
 * @throws VaultProxyError `invalid_request`, `forbidden`, `conflict`, `upstream_failed`; as `call.withChannel`; what `content`
 *   throws
 */
export async function uploadFile(call: SshCall, request: UploadRequest): Promise<UploadResult> {
  const { pathLists } = await call.permit({ remotePath: request.remotePath });
  const remotePath = admitPath(request.remotePath, call.access);
  return call.withChannel({
    open: (connection) => connection.sftp(),
    async use(channel) {
      try {
        const session = createSftpSession(channel, { signal: call.signal, answerMs: request.answerMs });
        const cleaner = createSftpSession(channel, {
          signal: new AbortController().signal,
          answerMs: Math.min(SSH_LIMITS.cleanUpMs, request.answerMs ?? Infinity),
        });
        const rules = await readServerRules(session, call.access, pathLists).catch((thrown: unknown) => {
          throw sftpFailure(thrown, "look at its directories");
        });
        const place = await preparePlace(session, rules, remotePath);
        const content = counted(request.content, (bytes) => call.countBytes(bytes));
        const bytes = await writePart({
          ...{ session, cleaner, place, signal: call.signal },
          request: { ...request, content },
        });
        return { bytes, remotePath };
      } finally {
        channel.end();
      }
    },
  });
}

async function* counted(
  content: AsyncIterable<Buffer>,
  countBytes: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  for await (const piece of content) {
    countBytes(piece.length);
    yield piece;
  }
}

/** Where the file goes: a directory that was found good, all links followed. */
interface Place {
  readonly directory: string;
  readonly path: string;
  readonly name: string;
}

async function preparePlace(session: SftpSession, rules: ServerRules, remotePath: string): Promise<Place> {
  const lastSlash = remotePath.lastIndexOf("/");
  const name = remotePath.slice(lastSlash + 1);
  const parent = remotePath.slice(0, lastSlash) || "/";
  const before = await locate(session, parent).catch((thrown: unknown) => {
    throw sftpFailure(thrown, "look at the directory of this file");
  });
  const place = { directory: before.path, path: inDirectory(before.path, name), name };
  rules.admit(place.path);
  if (before.kind !== "directory") {
    throw new VaultProxyError("conflict", "remote_path: what should be a directory there is none");
  }
  if (before.missing.length > 0) {
    await makeDirectories(session, before);
    await requireUnmoved(session, place.directory);
  }
  await requireReplaceable(session, place.path);
  return place;
}

async function makeDirectories(session: SftpSession, { existing, missing }: RemoteLocation): Promise<void> {
  let path = existing;
  for (const name of missing) {
    path = inDirectory(path, name);
    try {
      await session.mkdir(path, DIRECTORY_MODE);
    } catch (thrown) {
      // Another upload may have made it meanwhile.
      const made = await session.lstat(path).catch(() => undefined);
      if (made?.kind === "directory") continue;
      throw await explainFailure(session, thrown, existing, "make a directory there");
    }
  }
}

/** Links may have been made since the directory was looked at. */
async function requireUnmoved(session: SftpSession, path: string): Promise<void> {
  const now = await locate(session, path).catch((thrown: unknown) => {
    throw sftpFailure(thrown, "look at the directory of this file");
  });
  if (now.path !== path || now.missing.length > 0) throw movedMeanwhile();
}

function movedMeanwhile(): VaultProxyError {
  return new VaultProxyError("conflict", "remote_path: leads elsewhere than a moment ago; try again");
}

/** A link is replaced itself. */
async function requireReplaceable(session: SftpSession, path: string): Promise<boolean> {
  try {
    const { kind } = await session.lstat(path);
    if (kind === "directory") throw new VaultProxyError("conflict", "remote_path: is a directory");
    if (kind === "other") throw new VaultProxyError("invalid_request", "remote_path: is no regular file");
    return true;
  } catch (thrown) {
    if (thrown instanceof SftpStatusError && thrown.status === SFTP_STATUS.noSuchFile) return false;
    throw sftpFailure(thrown, "look at this file");
  }
}

interface PartWriting {
  readonly session: SftpSession;
  /** For what is to be done after the end of the call too. */
  readonly cleaner: SftpSession;
  readonly place: Place;
  readonly request: UploadRequest;
  readonly signal: AbortSignal;
}

async function writePart({ session, cleaner, place, request, signal }: PartWriting): Promise<number> {
  const part = inDirectory(
    place.directory,
    partFileName(place.name, randomBytes(RANDOM_BYTES).toString("hex")),
  );
  const task = "write this file";
  const explain = (thrown: unknown): Promise<unknown> =>
    explainFailure(cleaner, thrown, place.directory, task);
  let handle: FileHandle | undefined;
  let removed: Promise<unknown> | undefined;
  const remove = (): Promise<unknown> =>
    (removed ??= Promise.allSettled([
      ...(handle === undefined ? [] : [cleaner.close(handle)]),
      cleaner.remove(part),
    ]));
  const onAbort = (): void => void remove();
  try {
    handle = await session.create(part, PART_MODE);
    // At once: a lock destroys the connection in the same moment.
    signal.addEventListener("abort", onAbort, { once: true });
    await requireUnmoved(session, part);
    const bytes = await writeContent(session, handle, request.content);
    await session.setMode(handle, request.mode());
    if (session.canSync) await session.sync(handle);
    const { size } = await session.fstat(handle);
    if (size !== bytes) {
      throw new VaultProxyError("upstream_failed", "the server did not keep the whole file");
    }
    const closing = handle;
    handle = undefined;
    await session.close(closing);
    await requireUnmoved(session, part);
    await moveIntoPlace(session, part, place.path);
    return bytes;
  } catch (thrown) {
    const reason = await explain(thrown);
    await remove();
    throw reason;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Several writes are under way at a time, each of a piece. */
async function writeContent(
  session: SftpSession,
  handle: FileHandle,
  content: AsyncIterable<Buffer>,
): Promise<number> {
  const underWay: Promise<void>[] = [];
  const failures: unknown[] = [];
  const throwFirst = (): void => {
    if (failures.length > 0) throw failures[0];
  };
  let offset = 0;
  const source = content[Symbol.asyncIterator]();
  for (;;) {
    // A caller may take its time, even when there is nobody left to write to.
    const next = await Promise.race([source.next(), session.ended]);
    if (next.done === true) break;
    const chunk = next.value;
    for (let start = 0; start < chunk.length; start += SSH_LIMITS.pieceBytes) {
      const piece = chunk.subarray(start, start + SSH_LIMITS.pieceBytes);
      underWay.push(
        session.write(handle, piece, offset).catch((thrown: unknown) => void failures.push(thrown)),
      );
      offset += piece.length;
      if (underWay.length >= SSH_LIMITS.piecesInFlight) await underWay.shift();
      throwFirst();
    }
  }
  await Promise.all(underWay);
  throwFirst();
  return offset;
}

async function moveIntoPlace(session: SftpSession, part: string, path: string): Promise<void> {
  const isThere = await requireReplaceable(session, path);
  if (session.canReplace) {
    await session.replace(part, path);
  } else if (isThere) {
    throw new VaultProxyError(
      "upstream_failed",
      "this server cannot replace a file in one step: remove the old one first",
    );
  } else {
    await session.rename(part, path);
  }
}

/** A full disk has no status of its own: what is free is asked for, before anything is removed. */
async function explainFailure(
  session: SftpSession,
  thrown: unknown,
  directory: string,
  task: string,
): Promise<VaultProxyError> {
  const isUnexplained = thrown instanceof SftpStatusError && thrown.status === SFTP_STATUS.failure;
  if (isUnexplained && session.canTellSpace) {
    const free = await session.freeSpace(directory).catch(() => undefined);
    if (free !== undefined && (free.bytes < FULL_DISK_BYTES || free.files === 0)) {
      return new VaultProxyError("upstream_failed", "the server's disk is full", { cause: thrown });
    }
  }
  return sftpFailure(thrown, task);
}
