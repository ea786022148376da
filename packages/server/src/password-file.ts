import { readFile, stat } from "node:fs/promises";
import type { Logger } from "./redaction/logger.js";
import { Secret } from "./redaction/secret.js";

/** The first line of the file, without its line end. Warns if other users may read it. */
export async function readPasswordFile(path: string, log: Logger): Promise<Secret> {
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) {
    log.warn({ file: path, mode: (mode & 0o777).toString(8) }, "other users may read the password file");
  }
  const text = await readFile(path, "utf8");
  return new Secret(text.split(/\r?\n/, 1)[0] ?? "");
}
