import { timingSafeEqual } from "node:crypto";
import { ProtocolViolation } from "../../wire/protocol-violation.js";
import { ScramAttributes } from "./scram-attributes.js";
import { DIGEST_BYTES, hash, hmac, xor } from "./scram-keys.js";

/** What a password is checked against. */
export interface ScramVerifier {
  readonly salt: Buffer;
  readonly iterations: number;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

export interface ScramChallenge {
  readonly serverFirst: Buffer;
  /**
   * @returns the server's last message, or undefined if the client does not know the password
   * @throws ProtocolViolation
   */
  check(clientFinal: Buffer): Buffer | undefined;
}

/**
 * The server's side of SCRAM-SHA-256 (RFC 5802, RFC 7677) without channel binding, as over a connection without TLS.
 * The name in the message is not read: PostgreSQL's user is in the StartupMessage.
 *
 * @param serverNonce printable and random, without a comma
 * @throws ProtocolViolation
 */
export function scramServer(
  clientFirst: Buffer,
  { verifier, serverNonce }: { readonly verifier: ScramVerifier; readonly serverNonce: string },
): ScramChallenge {
  const text = clientFirst.toString("latin1");
  const gs2Header = /^[ny],,/.exec(text)?.[0];
  if (gs2Header === undefined)
    throw new ProtocolViolation("SCRAM with channel binding or another identity is not offered here");
  const clientFirstBare = text.slice(gs2Header.length);
  const attributes = new ScramAttributes(clientFirstBare);
  attributes.next("n");
  const bothNonces = attributes.nonce() + serverNonce;
  const salt = verifier.salt.toString("base64");
  const serverFirst = `r=${bothNonces},s=${salt},i=${String(verifier.iterations)}`;

  return {
    serverFirst: Buffer.from(serverFirst),
    check(clientFinal) {
      const finalText = clientFinal.toString("latin1");
      const final = new ScramAttributes(finalText);
      if (!final.base64("c").equals(Buffer.from(gs2Header)))
        throw new ProtocolViolation("the two SCRAM messages disagree about channel binding");
      if (final.nonce() !== bothNonces) throw new ProtocolViolation("the SCRAM nonce is not the one given");
      const proofAt = finalText.lastIndexOf(",p=");
      const proof = new ScramAttributes(finalText.slice(proofAt + 1)).base64("p");
      if (proof.length !== DIGEST_BYTES) throw new ProtocolViolation("a SCRAM proof has a wrong length");
      const authMessage = `${clientFirstBare},${serverFirst},${finalText.slice(0, proofAt)}`;
      const clientKey = xor(proof, hmac(verifier.storedKey, authMessage));
      if (!timingSafeEqual(hash(clientKey), verifier.storedKey)) return undefined;
      return Buffer.from(`v=${hmac(verifier.serverKey, authMessage).toString("base64")}`);
    },
  };
}
