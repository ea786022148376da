import { isIP } from "node:net";
import * as tls from "node:tls";

/**
 * What an upstream's certificate is checked with. Made once a service: reading all roots anew for every connection
 * would cost more than the handshake.
 *
 * @param ca PEM certificates trusted beside the system's roots. Node ignores what it cannot read: check it beforehand.
 */
export function secureContext(ca: string | undefined): tls.SecureContext {
  const minVersion = "TLSv1.2";
  if (ca === undefined) return tls.createSecureContext({ minVersion });
  // Node 20 has no getCACertificates, and so leaves out what NODE_EXTRA_CA_CERTS names.
  const { getCACertificates } = tls as { getCACertificates?: (type: "default") => string[] };
  const roots = getCACertificates?.("default") ?? tls.rootCertificates;
  return tls.createSecureContext({ minVersion, ca: [...roots, ca] });
}

/** SNI and the name that the certificate must bear: no address (RFC 6066 §3), and without a final dot. */
export function serverName(hostname: string): string {
  if (isIP(hostname) !== 0) return "";
  return hostname.endsWith(".") ? hostname.slice(0, -1) : hostname;
}
