import { expect, test } from "vitest";
import { cstring, int32, message, messageParser } from "./message.js";
import {
  md5Response,
  passwordMessage,
  readSaslInitialResponse,
  saslInitialResponse,
  saslResponse,
} from "./password-message.js";
import { neverBreaks } from "./testing/broken-input.js";

const bodyOf = (bytes: Buffer): Buffer => messageParser(1000)(bytes)?.value.body ?? Buffer.alloc(0);

test("passwords and SASL messages are as the documentation has them", () => {
  expect(passwordMessage("pässword")).toEqual(message("p", cstring("pässword")));
  const data = Buffer.from("n,,n=,r=x");
  expect(saslInitialResponse("SCRAM-SHA-256", data)).toEqual(
    message("p", cstring("SCRAM-SHA-256"), int32(data.length), data),
  );
  expect(saslResponse(Buffer.from("c=biws"))).toEqual(message("p", Buffer.from("c=biws")));
});

test("a password is hashed as the server does", () => {
  // By md5sum(1): "secretalice", then its digits and the four bytes of the salt.
  expect(md5Response("alice", "secret", Buffer.of(1, 2, 3, 4))).toBe("md598a0412b9c31436fc53776e863350083");
});

test("a SASLInitialResponse is read as it was written", () => {
  const data = Buffer.from("n,,n=,r=x");
  expect(readSaslInitialResponse(bodyOf(saslInitialResponse("A", data)))).toEqual({ mechanism: "A", data });
});

test.each([
  ["without an end of the mechanism's name", Buffer.from("SCRAM")],
  ["without data", Buffer.concat([Buffer.from("A\0"), int32(0xffff_ffff)])],
  ["with less data than it says", Buffer.concat([Buffer.from("A\0"), int32(3), Buffer.from("ab")])],
  ["with 2 GB of data", Buffer.concat([Buffer.from("A\0"), int32(0x7fff_ffff), Buffer.from("ab")])],
  ["with more data than it says", Buffer.concat([Buffer.from("A\0"), int32(1), Buffer.from("ab")])],
])("a SASLInitialResponse %s is refused", (_name, body) => {
  expect(() => readSaslInitialResponse(body)).toThrow(/message/);
});

test("a SASLInitialResponse of a hostile client breaks nothing", () => {
  neverBreaks(readSaslInitialResponse, bodyOf(saslInitialResponse("SCRAM-SHA-256", Buffer.from("data"))));
});
