import { describe, expect, test } from "vitest";
import { ProtocolViolation } from "../../wire/protocol-violation.js";
import { POSTGRES_LIMITS } from "./limits.js";
import { scramClient, type ChannelBinding, type ScramExchange } from "./scram-client.js";
import { neverBreaks } from "./testing/broken-input.js";

/** The example of RFC 7677 §3. */
const VECTOR = {
  user: "user",
  password: "pencil",
  nonce: "rOprNGfwEbeRWgbNEkqO",
  clientFirst: "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
  serverFirst: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
  clientFinal:
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
  serverFinal: "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
};

const { user, password, nonce } = VECTOR;
const begin = (binding: ChannelBinding = { flag: "n" }): ScramExchange =>
  scramClient({ user, password, nonce, binding, runHeavy: (work) => work() });
const answer = (serverFirst: string): ReturnType<ScramExchange["answer"]> =>
  begin().answer(Buffer.from(serverFirst));

test("the example of RFC 7677 comes out", async () => {
  const exchange = begin();
  expect(exchange.clientFirst.toString()).toBe(VECTOR.clientFirst);
  const { clientFinal, verify } = await exchange.answer(Buffer.from(VECTOR.serverFirst));
  expect(clientFinal.toString()).toBe(VECTOR.clientFinal);
  expect(() => verify(Buffer.from(VECTOR.serverFinal))).not.toThrow();
});

test.each([
  { binding: { flag: "p", endPoint: Buffer.from("hash") }, header: "p=tls-server-end-point,," },
  { binding: { flag: "y" }, header: "y,," },
  { binding: { flag: "n" }, header: "n,," },
] as const)("what is bound stands in both messages: $header", async ({ binding, header }) => {
  const exchange = begin(binding);
  expect(exchange.clientFirst.toString().startsWith(`${header}n=user,r=`)).toBe(true);
  const { clientFinal } = await exchange.answer(Buffer.from(VECTOR.serverFirst));
  const bound = /^c=([^,]*),/.exec(clientFinal.toString())?.[1] ?? "";
  expect(Buffer.from(bound, "base64").toString()).toBe(binding.flag === "p" ? `${header}hash` : header);
});

describe("a hostile server is refused", () => {
  test("that asks for 2^31 iterations", async () => {
    await expect(answer(`r=${nonce}x,s=c2FsdA==,i=2147483648`)).rejects.toThrow("too many iterations");
  });

  test("that asks for one iteration more than the limit", async () => {
    const tooMany = POSTGRES_LIMITS.scramIterations + 1;
    await expect(answer(`r=${nonce}x,s=c2FsdA==,i=${String(tooMany)}`)).rejects.toThrow(
      "too many iterations",
    );
  });

  test.each(["0", "-1", "", "4096x", "1e3", "99999999999"])("that asks for %j iterations", async (count) => {
    await expect(answer(`r=${nonce}x,s=c2FsdA==,i=${count}`)).rejects.toThrow(/not a positive number/);
  });

  test.each(["notours", nonce, nonce.slice(1), ""])(
    "whose nonce %j does not continue ours",
    async (other) => {
      await expect(answer(`r=${other},s=c2FsdA==,i=4096`)).rejects.toThrow(/nonce/);
    },
  );

  test.each([
    `s=c2FsdA==,r=${nonce}x,i=4096`,
    `r=${nonce}x,i=4096`,
    `r=${nonce}x`,
    `m=mandatory,r=${nonce}x,s=c2FsdA==,i=4096`,
    `r=${nonce}x,s=,i=4096`,
    `r=${nonce}x,s=not base64,i=4096`,
    `r=${nonce}x\u0007,s=c2FsdA==,i=4096`,
    "e=other-error",
    "",
  ])("whose first message is %j", async (serverFirst) => {
    await expect(answer(serverFirst)).rejects.toThrow(ProtocolViolation);
  });

  test.each([
    `v=${Buffer.alloc(32).toString("base64")}`,
    `${VECTOR.serverFinal.slice(0, -5)}5G5=`,
    "v=6rriTQ==",
    "v=",
    "e=invalid-proof",
    "",
  ])("whose signature is wrong: %j", async (serverFinal) => {
    const { verify } = await answer(VECTOR.serverFirst);
    expect(() => verify(Buffer.from(serverFinal))).toThrow(ProtocolViolation);
  });
});

test("last messages of a hostile server break nothing", async () => {
  const { verify } = await answer(VECTOR.serverFirst);
  neverBreaks(verify, Buffer.from(VECTOR.serverFinal));
});
