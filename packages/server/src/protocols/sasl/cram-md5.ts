import { createHmac } from "node:crypto";

/** What answers a challenge of CRAM-MD5 (RFC 2195 §2). */
export function cramMd5Message(username: string, password: string, challenge: Buffer): Buffer {
  const digest = createHmac("md5", password).update(challenge).digest("hex");
  return Buffer.from(`${username} ${digest}`);
}
