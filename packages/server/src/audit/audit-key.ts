import { hkdfSync } from "node:crypto";
import { createHmacSha256 } from "../redaction/hmac-sha256.js";
import { Secret } from "../redaction/secret.js";

const SECRET_BYTES = 32;
const KEY_BYTES = 32;
const ID_BYTES = 6;
const MAC_LABEL = "vault-proxy audit line 1";
const ID_LABEL = "vault-proxy audit key id 1";

/** What makes and checks the MACs of lines. The vault keeps the secret that it is derived from. */
export interface AuditKey {
  /** 8 base64url characters that stand in every line it has made the MAC of. They tell nothing of the key. */
  readonly id: string;
  /** HMAC-SHA-256 of a line as it stands before its `mac`, base64url. */
  mac(covered: string | Uint8Array): string;
  /** Wipes the key, which then makes no more MACs. */
  destroy(): void;
}

/** A secret to be kept in the vault: 256 random bits, base64url. */
export function newAuditSecret(randomBytes: (size: number) => Buffer): Secret {
  return new Secret(randomBytes(SECRET_BYTES).toString("base64url"));
}

/** HKDF-SHA-256 (RFC 5869) of the secret, by a label of its own for the key and for its id. */
export function deriveAuditKey(secret: Secret): AuditKey {
  const input = Buffer.from(secret.reveal(), "base64url");
  if (input.length !== SECRET_BYTES) throw new RangeError("an audit secret has 32 bytes");
  const key = Buffer.from(hkdfSync("sha256", input, "", MAC_LABEL, KEY_BYTES));
  const id = Buffer.from(hkdfSync("sha256", input, "", ID_LABEL, ID_BYTES)).toString("base64url");
  input.fill(0);
  const hmac = createHmacSha256(key);
  key.fill(0);
  return { id, mac: (covered) => hmac.digest(covered), destroy: () => hmac.destroy() };
}
