import type { SmtpConfig } from "../../auth-strategies/session-types/smtp.js";
import { cramMd5Message } from "../sasl/cram-md5.js";
import { decodeBase64, plainMessage, xoauth2Message } from "../sasl/messages.js";
import { ProtocolViolation } from "../../wire/protocol-violation.js";

export type MechanismName = "PLAIN" | "LOGIN" | "CRAM-MD5" | "XOAUTH2";

/** The client's part of a SASL mechanism. */
export interface Exchange {
  /** What answers each challenge, in turn, from the challenge's text as it came. */
  readonly answers: readonly ((challenge: string) => Buffer)[];
  /** Whether the first answer waits for no challenge, and may go with the command. */
  readonly speaksFirst: boolean;
}

/**
 * Under TLS the password goes as it is: to the right server (its certificate was verified), in one round trip, and a
 * server that keeps only hashes can check it. CRAM-MD5 would add nothing there, and demands that the server knows the
 * password itself (RFC 4954 §4 has PLAIN under TLS for the mechanism that all have).
 */
const UNDER_TLS: readonly MechanismName[] = ["PLAIN", "LOGIN", "CRAM-MD5"];
/** In the clear a digest gives an eavesdropper something to guess at; the others give the password. */
const IN_THE_CLEAR: readonly MechanismName[] = ["CRAM-MD5", "PLAIN", "LOGIN"];

const NAMES = {
  plain: "PLAIN",
  login: "LOGIN",
  "cram-md5": "CRAM-MD5",
  xoauth2: "XOAUTH2",
} as const;

/** The mechanism to log in with; undefined if the server offers none that will do. */
export function chooseMechanism(
  config: Pick<SmtpConfig, "smtp_auth" | "smtp_tls">,
  offered: ReadonlySet<string>,
): MechanismName | undefined {
  const automatic = config.smtp_tls === "none" ? IN_THE_CLEAR : UNDER_TLS;
  const wanted = config.smtp_auth === "auto" ? automatic : [NAMES[config.smtp_auth]];
  return wanted.find((name) => offered.has(name));
}

/** @param credential the password, with XOAUTH2 the access token */
export function createExchange(name: MechanismName, username: string, credential: string): Exchange {
  switch (name) {
    case "PLAIN":
      return { answers: [() => plainMessage(username, credential)], speaksFirst: true };
    case "LOGIN":
      // The prompts are for people; servers word them as they like, and not all in Base64.
      return { answers: [() => Buffer.from(username), () => Buffer.from(credential)], speaksFirst: false };
    case "CRAM-MD5":
      return {
        answers: [(challenge) => cramMd5Message(username, credential, decodeChallenge(challenge))],
        speaksFirst: false,
      };
    case "XOAUTH2":
      // The second challenge says what is wrong with the token; the server waits for an empty answer to refuse it.
      return {
        answers: [() => xoauth2Message(username, credential), () => Buffer.alloc(0)],
        speaksFirst: true,
      };
  }
}

function decodeChallenge(text: string): Buffer {
  const challenge = decodeBase64(text);
  if (challenge === undefined || challenge.length === 0)
    throw new ProtocolViolation("a challenge is not in Base64");
  return challenge;
}
