/** A throw-away certificate authority and a server certificate that it signed, made without openssl. */
import { generate } from "selfsigned";

const LIFETIME_MS = 24 * 3_600_000;
// Certificates are valid a little before now, for clocks that do not quite agree.
const CLOCK_SKEW_MS = 300_000;

/**
 * Makes a CA and a certificate of it for `127.0.0.1` and `localhost`. All values are PEM.
 *
 * @returns {Promise<{ ca: string, certificate: string, key: string }>}
 */
export async function makeCertificates() {
  const shared = {
    keyType: /** @type {const} */ ("ec"),
    algorithm: "sha256",
    notBeforeDate: new Date(Date.now() - CLOCK_SKEW_MS),
    notAfterDate: new Date(Date.now() + LIFETIME_MS),
  };
  const ca = await generate([{ name: "commonName", value: "vault-proxy demo CA" }], {
    ...shared,
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const server = await generate([{ name: "commonName", value: "localhost" }], {
    ...shared,
    ca: { key: ca.private, cert: ca.cert },
    extensions: [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "keyUsage", digitalSignature: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: "localhost" },
          { type: 7, ip: "127.0.0.1" },
        ],
      },
    ],
  });
  return { ca: ca.cert, certificate: server.cert, key: server.private };
}
