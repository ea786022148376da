import { constants, openAsBlob } from "node:fs";
import { access, stat } from "node:fs/promises";

import { CliError } from "./failures.js";
import { fileFailure } from "./file-failure.js";

/** A file that is read while it is sent. @param otherwise what to do with what is no regular file */
export async function openLocalFile(path: string, otherwise: string): Promise<Blob> {
  try {
    // Asked before, since a blob of what cannot be read fails only while it is sent, and one of a pipe is empty.
    await access(path, constants.R_OK);
    if (!(await stat(path)).isFile()) throw new CliError(`${path} is no regular file`, otherwise);
    return await openAsBlob(path);
  } catch (error) {
    throw error instanceof CliError ? error : fileFailure("read", path, error);
  }
}
