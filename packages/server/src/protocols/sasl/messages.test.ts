import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeBase64,
  isSendableToken,
  oauthBearerMessage,
  parsePlainMessage,
  plainMessage,
  xoauth2Message,
} from "./messages.js";

describe("a message of PLAIN", () => {
  test("is that of RFC 4616 §4", () => {
    expect(plainMessage("tim", "tanstaaftanstaaf").toString()).toBe("\0tim\0tanstaaftanstaaf");
    expect(parsePlainMessage(Buffer.from("Ursel\0Kurt\0xipj3plmq"))).toEqual({
      authorizationId: "Ursel",
      username: "Kurt",
      password: "xipj3plmq",
    });
  });

  test("brings any user name and password without a NUL to the other side", () => {
    const text = fc.string({ unit: "grapheme" }).filter((value) => !value.includes("\0"));
    fc.assert(
      fc.property(text, text, (username, password) => {
        expect(parsePlainMessage(plainMessage(username, password))).toEqual({
          authorizationId: "",
          username,
          password,
        });
      }),
    );
  });

  test.each(["", "one", "one\0two", "a\0b\0c\0d"])("has two NULs: %j is none", (message) => {
    expect(parsePlainMessage(Buffer.from(message))).toBeUndefined();
  });
});

test("a message of XOAUTH2 is that of Google's document", () => {
  const message = xoauth2Message("someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg");
  expect(message.toString("base64")).toBe(
    "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ==",
  );
});

describe("a message of OAUTHBEARER", () => {
  test("is that of RFC 7628 §4.1", () => {
    const server = { host: "server.example.com", port: 143 };
    const message = oauthBearerMessage(
      "user@example.com",
      "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==",
      server,
    );
    expect(message.toString("base64")).toBe(
      "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB",
    );
  });

  test("spells commas and equals signs of the user name as RFC 5801 §4 wants them", () => {
    const message = oauthBearerMessage("a=b,c=2C", "token", { host: "h", port: 1 });
    expect(message.toString()).toBe("n,a=a=3Db=2Cc=3D2C,\x01host=h\x01port=1\x01auth=Bearer token\x01\x01");
  });
});

test.each([
  ["ya29.a0-_~+/=", true],
  ["", false],
  ["two words", false],
  ["field\x01user=root", false],
  ["line\r\nend", false],
  ["nul\0", false],
  ["ünïcode", false],
])("whether the token %j can be sent: %s", (token, isSendable) => {
  expect(isSendableToken(token)).toBe(isSendable);
});

describe("Base64", () => {
  test("of any bytes is decoded to them", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(decodeBase64(Buffer.from(bytes).toString("base64"))).toEqual(Buffer.from(bytes));
      }),
    );
  });

  test.each(["A", "AA", "AAA", "AA=", "AA==AA==", "A A=", "AAA=\n", "AA-_", "====", "*"])(
    "%j is none",
    (text) => {
      expect(decodeBase64(text)).toBeUndefined();
    },
  );
});
