import { invalidRequest } from "./errors.js";

/** A file of this machine, read when it is sent. @throws VaultError `invalid_request` where there are no files */
export async function openLocalFile(path: string): Promise<Blob> {
  // Not an import, so that a bundler for a runtime without files never meets it.
  const builtin = typeof process === "undefined" ? undefined : process.getBuiltinModule;
  if (typeof builtin !== "function") {
    throw invalidRequest("a path names a file only where there are files: give the content");
  }
  return builtin("node:fs").openAsBlob(path);
}
