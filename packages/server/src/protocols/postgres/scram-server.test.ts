import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolViolation } from "../../wire/protocol-violation.js";
import { scramClient } from "./scram-client.js";
import { deriveScramKeys } from "./scram-keys.js";
import { scramServer, type ScramChallenge, type ScramVerifier } from "./scram-server.js";
import { neverBreaks } from "./testing/broken-input.js";

/** The example of RFC 7677 §3. */
const CLIENT_NONCE = "rOprNGfwEbeRWgbNEkqO";
const SERVER_NONCE = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const PROOF = "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
const CLIENT_FIRST = `n,,n=user,r=${CLIENT_NONCE}`;
const WITHOUT_PROOF = `c=biws,r=${CLIENT_NONCE}${SERVER_NONCE}`;

const verifierOf = async (password: string, salt: Buffer, iterations = 4096): Promise<ScramVerifier> => ({
  salt,
  iterations,
  ...(await deriveScramKeys(password, { salt, iterations })),
});
const verifier = await verifierOf("pencil", Buffer.from("W22ZaJ0SNY7soEsUEjb6gQ==", "base64"));
const begin = (clientFirst = CLIENT_FIRST): ScramChallenge =>
  scramServer(Buffer.from(clientFirst), { verifier, serverNonce: SERVER_NONCE });

test("the example of RFC 7677 comes out", () => {
  const challenge = begin();
  expect(challenge.serverFirst.toString()).toBe(
    `r=${CLIENT_NONCE}${SERVER_NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`,
  );
  expect(challenge.check(Buffer.from(`${WITHOUT_PROOF},${PROOF}`))?.toString()).toBe(
    "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
  );
});

test("a client with the password gets in, and one with another does not", async () => {
  const passwords = fc.string({ minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(passwords, passwords, async (password, given) => {
      const exchange = scramClient({
        password: given,
        nonce: "client",
        binding: { flag: "y" },
        runHeavy: (work) => work(),
      });
      const own = await verifierOf(password, randomBytes(16), 2);
      const challenge = scramServer(exchange.clientFirst, { verifier: own, serverNonce: "server" });
      const { clientFinal, verify } = await exchange.answer(challenge.serverFirst);
      const serverFinal = challenge.check(clientFinal);
      expect(serverFinal !== undefined).toBe(password === given);
      if (serverFinal !== undefined) verify(serverFinal);
    }),
    { numRuns: 100 },
  );
});

describe("a client is refused", () => {
  test.each([
    ["that binds to a channel which is not offered", `p=tls-server-end-point,,n=,r=${CLIENT_NONCE}`],
    ["that wants to be somebody else", `n,a=admin,n=,r=${CLIENT_NONCE}`],
    ["with an extension that must be understood", `n,,m=x,n=,r=${CLIENT_NONCE}`],
    ["without a nonce", "n,,n=user"],
    ["with an empty nonce", "n,,n=user,r="],
    ["with nothing", ""],
  ])("%s", (_name, clientFirst) => {
    expect(() => begin(clientFirst)).toThrow(ProtocolViolation);
  });

  test.each([
    ["whose nonce is an older one", `c=biws,r=${CLIENT_NONCE}older,${PROOF}`],
    ["that says another thing about binding than before", `c=eSws,r=${CLIENT_NONCE}${SERVER_NONCE},${PROOF}`],
    ["without a proof", WITHOUT_PROOF],
    ["with a proof that is too short", `${WITHOUT_PROOF},p=c2hvcnQ=`],
    ["with a proof that is no base64", `${WITHOUT_PROOF},p=*`],
    ["with nothing in the end", ""],
  ])("%s", (_name, clientFinal) => {
    expect(() => begin().check(Buffer.from(clientFinal))).toThrow(ProtocolViolation);
  });

  test("with a wrong proof", () => {
    const wrong = `p=${Buffer.alloc(32).toString("base64")}`;
    expect(begin().check(Buffer.from(`${WITHOUT_PROOF},${wrong}`))).toBeUndefined();
    // The proof is over all that stands before it.
    expect(begin().check(Buffer.from(`${WITHOUT_PROOF},x=y,${PROOF}`))).toBeUndefined();
  });
});

test("messages of a hostile client break nothing", () => {
  neverBreaks((bytes) => begin(bytes.toString("latin1")), Buffer.from(CLIENT_FIRST));
  const challenge = begin();
  neverBreaks((bytes) => challenge.check(bytes), Buffer.from(`${WITHOUT_PROOF},${PROOF}`));
});
