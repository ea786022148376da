import { X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import type { ServerConfig } from "./config/server-config.js";
import { VaultProxyError } from "./errors/vault-proxy-error.js";
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

/** The first line of the file, without its line end. Warns if other users may read it. */
export async function readPasswordFile(path: string, log: Logger): Promise<Secret> {
  const text = (await read("--password-file", path)).toString("utf8");
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) {
    log.warn({ file: path, mode: (mode & 0o777).toString(8) }, "other users may read the password file");
  }
  return new Secret(text.split(/\r?\n/, 1)[0] ?? "");
}

async function read(flag: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    throw new VaultProxyError("invalid_request", `${flag}: cannot read ${path} (${code})`, { cause: error });
  }
}
