import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { temporaryDirectory } from "../live/processes.js";

const run = promisify(execFile);

/** `-t` of ssh-keygen(1). */
export type SshKeyType = "ed25519" | "ecdsa" | "rsa";

export interface SshKeyOptions {
  /** Default: `ed25519`, which is the quickest to make. */
  readonly type?: SshKeyType;
  readonly bits?: number;
  /** Default: the key is not encrypted. */
  readonly passphrase?: string;
  /** More for ssh-keygen(1), such as `-m PEM`, `-Z aes256-cbc` and `-a 200`. */
  readonly options?: readonly string[];
}

/** The public half of a key as a server's or a client's users see it. */
export interface SshPublicKey {
  /** As on the wire, such as `ssh-ed25519`. */
  readonly type: string;
  /** Type and Base64, without a comment: a line for authorized_keys, and for known_hosts after the host. */
  readonly publicLine: string;
  /** `SHA256:` and Base64 without padding. */
  readonly fingerprint: string;
}

export interface SshKey extends SshPublicKey {
  /** What the file holds. */
  readonly privateKey: string;
}

/** Makes a key by ssh-keygen, and keeps nothing of it on disk. */
export async function makeSshKey(options: SshKeyOptions = {}): Promise<SshKey> {
  const directory = await temporaryDirectory();
  try {
    const path = join(directory.path, "key");
    await makeSshKeyFile(path, options);
    return { ...(await readSshPublicKey(path)), privateKey: await readFile(path, "utf8") };
  } finally {
    await directory.remove();
  }
}

/** Makes `path` and `path.pub`. */
export async function makeSshKeyFile(path: string, options: SshKeyOptions = {}): Promise<void> {
  const { type = "ed25519", bits, passphrase = "" } = options;
  const size = bits === undefined ? [] : ["-b", String(bits)];
  await run("ssh-keygen", [
    ...["-q", "-t", type, ...size, "-N", passphrase, "-C", "", "-f", path],
    ...(options.options ?? []),
  ]);
}

/** Of a key made by {@link makeSshKeyFile}. */
export async function readSshPublicKey(path: string): Promise<SshPublicKey> {
  const [type = "", blob = ""] = (await readFile(`${path}.pub`, "utf8")).trim().split(" ");
  const { stdout } = await run("ssh-keygen", ["-l", "-f", `${path}.pub`]);
  return { type, publicLine: `${type} ${blob}`, fingerprint: stdout.split(" ")[1] ?? "" };
}
