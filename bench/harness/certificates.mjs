import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

/**
 * @typedef {{ ca: string, cert: string, key: string }} Certificates Paths of PEM files: a certificate for localhost and
 *   127.0.0.1, and the authority that signed it.
 *
 * @param {string} directory
 * @returns {Promise<Certificates>}
 */
export async function makeCertificates(directory) {
  const path = (/** @type {string} */ name) => join(directory, name);
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const openssl = (/** @type {string[]} */ ...args) =>
    promisify(execFile)("openssl", ["req", "-x509", ...newKey, ...args]);
  const ca = ["-keyout", path("ca.key"), "-out", path("ca.pem"), "-subj", "/CN=authority of the bench"];
  await openssl(...ca);
  await openssl(
    ...["-keyout", path("upstream.key"), "-out", path("upstream.pem"), "-subj", "/CN=upstream"],
    ...["-CA", path("ca.pem"), "-CAkey", path("ca.key"), "-addext", "basicConstraints=critical,CA:FALSE"],
    ...["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"],
  );
  return { ca: path("ca.pem"), cert: path("upstream.pem"), key: path("upstream.key") };
}
