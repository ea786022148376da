import { timingSafeEqual } from "node:crypto";
import { ProtocolViolation } from "../../wire/protocol-violation.js";
import type { RunHeavy } from "../session-driver.js";
import { POSTGRES_LIMITS } from "./limits.js";
import { ScramAttributes } from "./scram-attributes.js";
import { deriveScramKeys, hmac, xor } from "./scram-keys.js";

/** What is said of channel binding (RFC 5802 §6): the `gs2-cbind-flag`. */
export type ChannelBinding =
  /** Bound to the server's certificate (RFC 5929 §4). */
  | { readonly flag: "p"; readonly endPoint: Buffer }
  /** We could, and the server says that it cannot: one that can then knows that its offer was cut out. */
  | { readonly flag: "y" }
  /** We cannot. */
  | { readonly flag: "n" };

export interface ScramClientOptions {
  readonly password: string;
  /** Printable and random, without a comma. */
  readonly nonce: string;
  readonly binding: ChannelBinding;
  /** The user's `saslname`; PostgreSQL takes the user from the StartupMessage, and libpq leaves it empty here. */
  readonly user?: string;
  /** Runs the derivation, which the server says how long it takes. */
  readonly runHeavy: RunHeavy;
}

/** Each step can only be taken with what the step before gave. */
export interface ScramExchange {
  readonly clientFirst: Buffer;
  /** @throws ProtocolViolation for a message that is wrong, or asks for too much work */
  answer(serverFirst: Buffer): Promise<{
    readonly clientFinal: Buffer;
    /** @throws ProtocolViolation if the server does not show that it knows the password */
    readonly verify: (serverFinal: Buffer) => void;
  }>;
}

/** The client's side of SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677). */
export function scramClient(options: ScramClientOptions): ScramExchange {
  const { password, nonce, binding, user = "", runHeavy } = options;
  const gs2Header = binding.flag === "p" ? "p=tls-server-end-point,," : `${binding.flag},,`;
  const clientFirstBare = `n=${user},r=${nonce}`;
  return {
    clientFirst: Buffer.from(gs2Header + clientFirstBare),
    async answer(serverFirst) {
      const serverFirstText = serverFirst.toString("latin1");
      const attributes = new ScramAttributes(serverFirstText);
      const bothNonces = attributes.nonce();
      if (!bothNonces.startsWith(nonce) || bothNonces.length === nonce.length)
        throw new ProtocolViolation("the SCRAM nonce does not continue ours");
      const salt = attributes.base64("s");
      const iterations = attributes.positive("i");
      if (iterations > POSTGRES_LIMITS.scramIterations)
        throw new ProtocolViolation("SCRAM asks for too many iterations");

      const keys = await runHeavy(() => deriveScramKeys(password, { salt, iterations }));
      const bound = Buffer.concat([
        Buffer.from(gs2Header),
        binding.flag === "p" ? binding.endPoint : Buffer.alloc(0),
      ]);
      const withoutProof = `c=${bound.toString("base64")},r=${bothNonces}`;
      const authMessage = `${clientFirstBare},${serverFirstText},${withoutProof}`;
      const proof = xor(keys.clientKey, hmac(keys.storedKey, authMessage)).toString("base64");
      return {
        clientFinal: Buffer.from(`${withoutProof},p=${proof}`),
        verify(serverFinal) {
          const given = new ScramAttributes(serverFinal.toString("latin1")).base64("v");
          const expected = hmac(keys.serverKey, authMessage);
          if (given.length !== expected.length || !timingSafeEqual(given, expected))
            throw new ProtocolViolation(
              "the SCRAM signature is wrong: the server does not know the password",
            );
        },
      };
    },
  };
}
