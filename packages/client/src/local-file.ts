import { invalidRequest } from "./errors.js";

/** A file of this machine, read when it is sent. @throws VaultError `invalid_request` where there are no files */
export async function openLocalFile(path: string): Promise<Blob> {
  // Not an import, so that a bundler for a runtime without files never meets it.
  if (typeof process === "undefined" || !("getBuiltinModule" in process)) {
    throw invalidRequest("a path names a file only where there are files: give the content");
  }
  return process.getBuiltinModule("node:fs").openAsBlob(path);
}
