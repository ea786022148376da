import { isUtf8 } from "node:buffer";
import { X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import type { ServerConfig } from "./config/server-config.js";
import { VaultProxyError } from "./errors/vault-proxy-error.js";
import { isOpenToOthers, type FileAccess, type ProcessIdentity } from "./other-readers.js";
import type { Logger } from "./redaction/logger.js";
import { Secret } from "./redaction/secret.js";

export interface TlsFiles {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** DNS names of the certificate (RFC 5280 §4.2.1.6). */
  readonly names: readonly string[];
}

/** @throws VaultProxyError `invalid_request` that names the flag and the file. */
export async function readTlsFiles(files: NonNullable<ServerConfig["tls"]>): Promise<TlsFiles> {
  const cert = await read("--tls-cert", files.certPath);
  const key = await read("--tls-key", files.keyPath);
  try {
    createSecureContext({ cert, key });
    const names = new X509Certificate(cert).subjectAltName ?? "";
    return { cert, key, names: [...names.matchAll(/DNS:([^,\s"]+)/g)].map((match) => match[1] ?? "") };
  } catch (error) {
    throw new VaultProxyError(
      "invalid_request",
      "--tls-cert and --tls-key: not a PEM certificate and its unencrypted private key",
      { cause: error },
    );
  }
}

export interface StartPassword {
  readonly password: Secret;
  /** As a sentence names it: `the password file`. */
  readonly source: string;
}

/** systemd gives a credential to its user by an access list, whose mask stands where a group's bits do (acl(5)). */
const OTHERS_BEYOND_ACCESS_LIST = 0o007;

function processIdentity(): ProcessIdentity | undefined {
  const [uid, gid] = [process.getuid?.(), process.getgid?.()];
  return uid === undefined || gid === undefined ? undefined : { uid, gid };
}

/**
 * The password to unlock with at start, or undefined if none was given: the first line of a file, without its line end.
 * Warns if other users may read it.
 *
 * @throws VaultProxyError `invalid_request` that says which file, if it cannot be read or its first line is empty.
 */
export async function readStartPassword(
  { passwordFile, passwordCredential }: Pick<ServerConfig, "passwordFile" | "passwordCredential">,
  log: Pick<Logger, "warn">,
): Promise<StartPassword | undefined> {
  if (passwordFile !== undefined) {
    const self = processIdentity();
    const openToOthers = (file: FileAccess): boolean => isOpenToOthers(file, self);
    const password = await readPassword("--password-file", passwordFile, openToOthers, log);
    return { password, source: "the password file" };
  }
  // Most units have no such credential.
  if (passwordCredential === undefined || !(await isThere(passwordCredential))) return undefined;
  const title = "systemd credential";
  const openToOthers = ({ mode }: FileAccess): boolean => (mode & OTHERS_BEYOND_ACCESS_LIST) !== 0;
  const password = await readPassword(title, passwordCredential, openToOthers, log);
  return { password, source: `the ${title}` };
}

async function readPassword(
  title: string,
  path: string,
  openToOthers: (file: FileAccess) => boolean,
  log: Pick<Logger, "warn">,
): Promise<Secret> {
  const bytes = await read(title, path);
  // Every byte that is none would become the same character, and so different passwords the same.
  if (!isUtf8(bytes)) throw new VaultProxyError("invalid_request", `${title}: ${path} is not UTF-8 text`);
  const text = bytes.toString("utf8");
  const file = await stat(path);
  if (openToOthers(file)) {
    log.warn({ file: path, mode: (file.mode & 0o777).toString(8) }, "other users may read the password file");
  }
  const [firstLine = ""] = text.split(/\r?\n/, 1);
  if (firstLine === "") {
    throw new VaultProxyError("invalid_request", `${title}: the first line of ${path} is empty`);
  }
  return new Secret(firstLine);
}

/** In doubt it is: then reading it says what is wrong. */
async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ENOENT");
  }
}

async function read(title: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    throw new VaultProxyError("invalid_request", `${title}: cannot read ${path} (${code})`, { cause: error });
  }
}
