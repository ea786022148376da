import { sizeText } from "../errors/size-text.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { locate } from "./remote-location.js";
import { sftpFailure } from "./sftp-failure.js";
import { createSftpSession, type FileHandle, type SftpSession } from "./sftp-session.js";
import type { SshCall } from "./ssh-calls.js";
import { SSH_LIMITS } from "./ssh-limits.js";
import { admitPath, readServerRules } from "./transfer-rules.js";

export interface DownloadRequest {
  readonly remotePath: string;
  /** Called with the file's size when its first bytes were read. */
  readonly onStarted: (file: { readonly bytes: number; readonly name: string }) => void;
  /** Takes the file, piece by piece; while it returns a promise, no more pieces are asked for. */
  readonly takeContent: (piece: Buffer) => Promise<void> | undefined;
  /** How long the server may say nothing; default: as SSH_LIMITS. */
  readonly answerMs?: number | undefined;
}

const TASK = "read this file";

/**
 * Reads a file of a service's server, as many bytes as it had when it was opened.
 * @throws VaultProxyError `invalid_request`, `forbidden`, `not_found`, `body_too_large`, `conflict`, `upstream_failed`, the last
 *   after the start too; as `call.withChannel`; what `takeContent` throws
 */
export async function downloadFile(call: SshCall, request: DownloadRequest): Promise<void> {
  const { pathLists } = await call.permit({ remotePath: request.remotePath });
  const remotePath = admitPath(request.remotePath, call.access);
  return call.withChannel({
    open: (connection) => connection.sftp(),
    async use(channel) {
      try {
        const session = createSftpSession(channel, { signal: call.signal, answerMs: request.answerMs });
        const rules = await readServerRules(session, call.access, pathLists);
        const { path, kind, missing } = await locate(session, remotePath);
        rules.admit(path);
        if (missing.length > 0) throw new VaultProxyError("not_found", "no such file at the server");
        if (kind !== "file") throw noRegularFile();
        const handle = await session.openToRead(path);
        const [opened, now] = await Promise.all([session.fstat(handle), locate(session, path)]);
        // A link may have been made since the path was looked at.
        if (now.path !== path || now.missing.length > 0) {
          throw new VaultProxyError("conflict", "remote_path: leads elsewhere than a moment ago; try again");
        }
        if (opened.kind !== "file" || now.kind !== "file") throw noRegularFile();
        if (opened.size === undefined) {
          throw new VaultProxyError("upstream_failed", "the server does not say how large this file is");
        }
        if (opened.size > SSH_LIMITS.fileBytes) {
          throw new VaultProxyError(
            "body_too_large",
            `the file is larger than ${sizeText(SSH_LIMITS.fileBytes)}`,
          );
        }
        const file = { bytes: opened.size, name: remotePath.slice(remotePath.lastIndexOf("/") + 1) };
        let isStarted = false;
        for await (const piece of readAhead(session, handle, opened.size)) {
          if (!isStarted) request.onStarted(file);
          isStarted = true;
          call.countBytes(piece.length);
          await request.takeContent(piece);
        }
        if (!isStarted) request.onStarted(file);
      } catch (thrown) {
        throw sftpFailure(thrown, TASK);
      } finally {
        channel.end();
      }
    },
  });
}

function noRegularFile(): VaultProxyError {
  return new VaultProxyError("invalid_request", "remote_path: is no regular file");
}

/** The file's pieces in their order; several are read at a time. */
async function* readAhead(session: SftpSession, handle: FileHandle, size: number): AsyncGenerator<Buffer> {
  const underWay: Promise<Buffer>[] = [];
  let next = 0;
  const readMore = (): void => {
    while (next < size && underWay.length < SSH_LIMITS.piecesInFlight) {
      const piece = readPiece(session, handle, next, Math.min(SSH_LIMITS.pieceBytes, size - next));
      // It is heard of in its turn, if that comes.
      piece.catch(() => undefined);
      underWay.push(piece);
      next += SSH_LIMITS.pieceBytes;
    }
  };
  readMore();
  for (let piece = underWay.shift(); piece !== undefined; piece = underWay.shift()) {
    const bytes = await piece;
    readMore();
    yield bytes;
  }
}

/** A server may give less than it was asked for (draft-ietf-secsh-filexfer-02 §6.4). */
async function readPiece(
  session: SftpSession,
  handle: FileHandle,
  offset: number,
  length: number,
): Promise<Buffer> {
  const read: Buffer[] = [];
  for (let count = 0; count < length;) {
    const bytes = await session.read(handle, offset + count, length - count);
    if (bytes.length === 0) {
      throw new VaultProxyError("upstream_failed", "the file became shorter while it was read");
    }
    read.push(bytes);
    count += bytes.length;
  }
  return read.length === 1 && read[0] !== undefined ? read[0] : Buffer.concat(read);
}
