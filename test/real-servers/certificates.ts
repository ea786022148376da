import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { temporaryDirectory } from "../live/processes.js";

const openssl = (...args: string[]): Promise<unknown> => promisify(execFile)("openssl", args);

/** `-newkey` of openssl-req(1) for each kind of key. RSA-PSS signs as RFC 4055 says, with a key for nothing else. */
const NEW_KEY = {
  rsa: ["-newkey", "rsa:2048"],
  ecdsa: ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
  ed25519: ["-newkey", "ed25519"],
  "rsa-pss": ["-newkey", "rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"],
} as const;

export type KeyKind = keyof typeof NEW_KEY;

export interface CertificateOptions {
  /** The key of the authority and of the server: it decides how the server's certificate is signed. Default `rsa`. */
  readonly key?: KeyKind;
  /** What the signature is over; Ed25519 has no choice of it. Default `sha256`. */
  readonly hash?: "sha256" | "sha384" | "sha512";
  /** `expired`: since yesterday; `wrong-name`: for `elsewhere.test` alone. */
  readonly flaw?: "expired" | "wrong-name";
}

/** An authority, and a server's certificate of it for 127.0.0.1, 127.0.0.2, ::1 and localhost, as PEM. */
export interface ServerCertificates {
  readonly ca: string;
  readonly caPath: string;
  readonly cert: string;
  readonly key: string;
  remove(): Promise<void>;
}

export async function makeServerCertificates(options: CertificateOptions = {}): Promise<ServerCertificates> {
  const { key: kind = "rsa", hash = "sha256", flaw } = options;
  const directory = await temporaryDirectory();
  const path = (name: string): string => join(directory.path, name);
  const names =
    flaw === "wrong-name" ? "DNS:elsewhere.test" : "IP:127.0.0.1,IP:127.0.0.2,IP:::1,DNS:localhost";
  const digest = kind === "ed25519" ? [] : [`-${hash}`];
  const newKey = [...NEW_KEY[kind], "-nodes"];
  await openssl(
    ...["req", "-x509", ...newKey, ...digest, "-keyout", path("ca.key"), "-out", path("ca.pem")],
    ...["-subj", "/CN=vault-proxy test CA", "-days", "2", "-addext", "keyUsage=critical,keyCertSign"],
  );
  await openssl(
    ...["req", "-new", ...newKey, "-keyout", path("server.key"), "-out", path("server.csr")],
    ...["-subj", "/CN=upstream", "-addext", `subjectAltName=${names}`],
    ...["-addext", "basicConstraints=critical,CA:FALSE"],
  );
  // Only this command takes a lifetime that has ended already.
  await openssl(
    ...["x509", "-req", "-in", path("server.csr"), "-out", path("server.pem"), ...digest],
    ...["-CA", path("ca.pem"), "-CAkey", path("ca.key"), "-copy_extensions", "copy"],
    ...["-days", flaw === "expired" ? "-1" : "2"],
  );
  const [ca, cert, key] = await Promise.all(
    ["ca.pem", "server.pem", "server.key"].map((name) => readFile(path(name), "utf8")),
  );
  if (ca === undefined || cert === undefined || key === undefined) throw new Error("openssl wrote nothing");
  return { ca, caPath: path("ca.pem"), cert, key, remove: directory.remove };
}
