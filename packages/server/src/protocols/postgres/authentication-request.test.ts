import { Parser } from "pg-protocol/dist/parser.js";
import { describe, expect, test } from "vitest";
import {
  AUTHENTICATION_OK,
  authenticationSasl,
  authenticationSaslContinue,
  authenticationSaslFinal,
  readAuthenticationRequest,
} from "./authentication-request.js";
import { int32, messageParser } from "./message.js";
import { neverBreaks } from "./testing/broken-input.js";

const parse = messageParser(1000);
const bodyOf = (bytes: Buffer): Buffer => parse(bytes)?.value.body ?? Buffer.alloc(0);
const body = (code: number, rest: Buffer | string = ""): Buffer =>
  Buffer.concat([int32(code), Buffer.from(rest)]);

/** As node-postgres understands it. */
function understood(bytes: Buffer): unknown[] {
  const messages: unknown[] = [];
  new Parser().parse(bytes, (message: unknown) => messages.push(message));
  return messages;
}

describe("what the local side asks for", () => {
  test("is understood by node-postgres", () => {
    expect(understood(AUTHENTICATION_OK)).toMatchObject([{ name: "authenticationOk" }]);
    expect(understood(authenticationSasl(["SCRAM-SHA-256", "B"]))).toMatchObject([
      { name: "authenticationSASL", mechanisms: ["SCRAM-SHA-256", "B"] },
    ]);
    expect(understood(authenticationSaslContinue(Buffer.from("r=x")))).toMatchObject([
      { name: "authenticationSASLContinue", data: "r=x" },
    ]);
    expect(understood(authenticationSaslFinal(Buffer.from("v=x")))).toMatchObject([
      { name: "authenticationSASLFinal", data: "v=x" },
    ]);
  });

  test("is what the other side reads", () => {
    const read = (bytes: Buffer): unknown => readAuthenticationRequest(bodyOf(bytes));
    expect(read(AUTHENTICATION_OK)).toEqual({ kind: "ok" });
    expect(read(authenticationSasl(["A", "B"]))).toEqual({ kind: "sasl", mechanisms: ["A", "B"] });
    const data = Buffer.from("data");
    expect(read(authenticationSaslContinue(data))).toEqual({ kind: "sasl_continue", data });
    expect(read(authenticationSaslFinal(data))).toEqual({ kind: "sasl_final", data });
  });
});

describe("what a server asks for", () => {
  test("may be the password in the clear, or hashed", () => {
    expect(readAuthenticationRequest(body(3))).toEqual({ kind: "cleartext" });
    expect(readAuthenticationRequest(body(5, "salt"))).toEqual({ kind: "md5", salt: Buffer.from("salt") });
  });

  test.each([
    [2, "Kerberos"],
    [6, "SCM credentials"],
    [7, "GSSAPI"],
    [8, "GSSAPI"],
    [9, "SSPI"],
  ])("of type %i is known as %s", (code, name) => {
    expect(readAuthenticationRequest(body(code, "token"))).toEqual({ kind: "unsupported", name });
  });

  test.each([
    ["an unknown type", body(13)],
    ["no type", Buffer.from("abc")],
    ["a salt that is too short", body(5, "sal")],
    ["a salt that is too long", body(5, "salty")],
    ["more than OK", body(0, "x")],
    ["more than a request for the password", body(3, "x")],
    ["mechanisms without an end", body(10, "SCRAM-SHA-256\0")],
    ["something behind the mechanisms", body(10, "A\0\0B\0")],
  ])("is refused with %s", (_name, bytes) => {
    expect(() => readAuthenticationRequest(bytes)).toThrow(/message|way to log in/);
  });

  test("breaks nothing, whatever it is", () => {
    neverBreaks(readAuthenticationRequest, bodyOf(authenticationSasl(["SCRAM-SHA-256", "B"])));
    neverBreaks(readAuthenticationRequest, body(5, "salt"));
  });
});
