import { realpath, stat } from "node:fs/promises";
import { basename } from "node:path";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { NotARegularFileError, openRegularFile } from "../vault/durable-file.js";
import { errorCodeOf } from "../vault/storage-error.js";
import type { AuditKey } from "./audit-key.js";
import { LINE_BYTES, QUERY_LIMITS } from "./audit-limits.js";
import type { ChainEnd } from "./chain.js";
import { linesForward } from "./forward-lines.js";
import { closeLog, openLog, type OpenLogFile } from "./open-log.js";
import {
  createVerifier,
  type BadLine,
  type LinePlace,
  type VerifiedLines,
  type Verifier,
} from "./verifier.js";

export interface VerifyLogOptions {
  /** In the order in which they came into use. Without them MACs are not looked at. */
  readonly keys?: readonly AuditKey[] | undefined;
  /** The last line that the vault knows of. */
  readonly remembered?: ChainEnd | undefined;
  /** The number of the first line to look at. */
  readonly from?: number | undefined;
  /** The files of the directory are a part of a log, such as those that were moved to an archive. */
  readonly isPart?: boolean | undefined;
}

export interface VerifiedLog extends VerifiedLines {
  /** Names, oldest first. */
  readonly files: readonly string[];
  /** The first bad line; nothing behind it was looked at. */
  readonly bad: BadLine | undefined;
  /** A last line without its end: cut short by a crash, or being written just now. No sign of tampering by itself. */
  readonly torn: LinePlace | undefined;
}

/**
 * Checks the log in a data directory, all its files as one, or a single file of a log: then neither its beginning nor its
 * end can be judged. Works beside a running server.
 *
 * @throws {VaultProxyError} `not_found`, `storage_failed`
 */
export async function verifyAuditLog(path: string, options: VerifyLogOptions): Promise<VerifiedLog> {
  let files: readonly OpenLogFile[] = [];
  try {
    const isDirectory = (await stat(path)).isDirectory();
    const isWhole = isDirectory && options.isPart !== true;
    files = isDirectory ? await openLog(path) : await openOne(path);
    if (files.length === 0) throw new VaultProxyError("not_found", `there is no audit log in ${path}`);
    return await verifyFiles(files, createVerifier({ ...options, isWhole }));
  } catch (error) {
    throw toReadError(path, error);
  } finally {
    await closeLog(files);
  }
}

async function verifyFiles(files: readonly OpenLogFile[], verifier: Verifier): Promise<VerifiedLog> {
  const names = files.map(({ name }) => name);
  let torn: LinePlace | undefined;
  for (const [index, { name, handle, size }] of files.entries()) {
    const range = { start: 0, end: size, blockBytes: QUERY_LIMITS.blockBytes, maxLineBytes: LINE_BYTES };
    let number = 0;
    for await (const { bytes, isComplete } of linesForward(handle, range)) {
      number += 1;
      const place = { file: name, line: number };
      // A file is rotated out when its last line is whole.
      if (!isComplete && index === files.length - 1) {
        torn = place;
        break;
      }
      const bad = verifier.line(bytes, place);
      if (bad !== undefined) return { files: names, bad, torn, ...verifier.summary() };
    }
  }
  return { files: names, bad: verifier.end(), torn, ...verifier.summary() };
}

async function openOne(path: string): Promise<OpenLogFile[]> {
  const handle = await openRegularFile(await realpath(path));
  if (handle === undefined) throw new VaultProxyError("not_found", `there is no file ${path}`);
  return [{ name: basename(path), handle, size: (await handle.stat()).size }];
}

function toReadError(path: string, error: unknown): VaultProxyError {
  if (error instanceof VaultProxyError) return error;
  const code = errorCodeOf(error);
  if (code === "ENOENT" || code === "ENOTDIR") {
    return new VaultProxyError("not_found", `there is no ${path}`, { cause: error });
  }
  const what =
    error instanceof NotARegularFileError
      ? "is no regular file"
      : `cannot be read (${code ?? "unknown error"})`;
  return new VaultProxyError("storage_failed", `the audit log at ${path} ${what}`, { cause: error });
}
