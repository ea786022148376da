import { hasNodeModules } from "./node-exchange.js";
import { VaultError, invalidRequest } from "./errors.js";

/** What is longer, or has line ends, is hardly a path: content that was given for one is not told. */
const TELLABLE_PATH = /^[^\p{Cc}]{1,255}$/u;

/** A file of this machine, read when it is sent. @throws VaultError `invalid_request` where there is none */
export async function openLocalFile(path: string): Promise<Blob> {
  // Not an import, so that a bundler for a runtime without files never meets it.
  if (!hasNodeModules()) {
    throw invalidRequest("a path names a file only where there are files: give the content");
  }
  const { openAsBlob, promises } = process.getBuiltinModule("node:fs");
  try {
    // Asked before, since a blob of what cannot be read fails only while it is sent.
    await promises.access(path, promises.constants.R_OK);
    return await openAsBlob(path);
  } catch (cause) {
    const what = TELLABLE_PATH.test(path) ? `the file ${path}` : "the file of the path that was given";
    const code = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
    const message = `cannot read ${what}${code}: a string is a path; give content as bytes or a Blob`;
    throw new VaultError(0, "invalid_request", message, { cause });
  }
}
