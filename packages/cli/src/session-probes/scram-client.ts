import { createHash, createHmac, pbkdf2Sync } from "node:crypto";

import { CliError } from "../failures.js";

const GS2_HEADER = "n,,";
/** A session's password is random, so that its server has no reason for more. */
const MAX_ITERATIONS = 100_000;

/** The client's part of SCRAM-SHA-256, without channel binding (RFC 5802, RFC 7677). */
export interface ScramClient {
  readonly first: string;
  /** The client's answer to the server's first message. @throws CliError if that is none */
  final(serverFirst: string): string;
}

/** @param password of ASCII, which SASLprep leaves as it is */
export function scramClient(username: string, password: string, nonce: string): ScramClient {
  const bare = `n=${username},r=${nonce}`;
  return {
    first: `${GS2_HEADER}${bare}`,
    final(serverFirst) {
      const fields = /^r=([^,]+),s=([^,]+),i=(\d{1,9})$/.exec(serverFirst);
      const [serverNonce = "", salt = "", iterations = ""] = fields?.slice(1) ?? [];
      if (!serverNonce.startsWith(nonce) || Number(iterations) < 1 || Number(iterations) > MAX_ITERATIONS) {
        throw new CliError("the log-in to the session went wrong");
      }
      const salted = pbkdf2Sync(password, Buffer.from(salt, "base64"), Number(iterations), 32, "sha256");
      const clientKey = hmac(salted, "Client Key");
      const withoutProof = `c=${Buffer.from(GS2_HEADER).toString("base64")},r=${serverNonce}`;
      const storedKey = createHash("sha256").update(clientKey).digest();
      const signature = hmac(storedKey, `${bare},${serverFirst},${withoutProof}`);
      const proof = clientKey.map((byte, index) => byte ^ (signature[index] ?? 0));
      return `${withoutProof},p=${Buffer.from(proof).toString("base64")}`;
    },
  };
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
