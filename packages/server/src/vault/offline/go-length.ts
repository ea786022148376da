import { NONCE_BYTES, SALT_BYTES, TAG_BYTES } from "../header.js";

/** `{}`: the Go server seals JSON, of which this is the shortest. */
const SHORTEST_JSON_BYTES = 2;

/** Whether bytes that are no vault file of ours could be the Go server's, `salt ‖ nonce ‖ ciphertext ‖ tag`. */
export function isLongEnoughForGo(bytes: Buffer): boolean {
  return bytes.length >= SALT_BYTES + NONCE_BYTES + SHORTEST_JSON_BYTES + TAG_BYTES;
}
