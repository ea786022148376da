import { describe, expect, test } from "vitest";
import { cramMd5Message } from "../sasl/cram-md5.js";
import { chooseMechanism, createExchange } from "./mechanisms.js";

describe("CRAM-MD5", () => {
  /** RFC 2195 §2. */
  const challenge = Buffer.from("<1896.697170952@postoffice.reston.mci.net>");
  const answer = "tim b913a602c7eda7a495b4e6e7334d3890";

  test("answers as the RFC's example does", () => {
    expect(cramMd5Message("tim", "tanstaaftanstaaf", challenge).toString()).toBe(answer);
    const { answers, speaksFirst } = createExchange("CRAM-MD5", "tim", "tanstaaftanstaaf");
    expect(answers.map((give) => give(challenge.toString("base64")).toString())).toEqual([answer]);
    expect(speaksFirst).toBe(false);
  });

  test.each(["not Base64", "", "PDE4OTYu=", "PDE4OTYu\u00e4"])("refuses the challenge %j", (text) => {
    const [give] = createExchange("CRAM-MD5", "tim", "tanstaaftanstaaf").answers;
    expect(() => give?.(text)).toThrow("a challenge is not in Base64");
  });
});

describe("the mechanism", () => {
  const all = new Set(["XOAUTH2", "CRAM-MD5", "LOGIN", "PLAIN", "GSSAPI"]);

  test.each([
    ["auto", "starttls", all, "PLAIN"],
    ["auto", "implicit", new Set(["CRAM-MD5", "LOGIN"]), "LOGIN"],
    ["auto", "implicit", new Set(["CRAM-MD5"]), "CRAM-MD5"],
    ["auto", "none", all, "CRAM-MD5"],
    ["auto", "none", new Set(["LOGIN", "PLAIN"]), "PLAIN"],
    ["auto", "none", new Set(["LOGIN"]), "LOGIN"],
    ["auto", "starttls", new Set(["XOAUTH2", "GSSAPI"]), undefined],
    ["login", "starttls", all, "LOGIN"],
    ["cram-md5", "starttls", all, "CRAM-MD5"],
    ["plain", "none", all, "PLAIN"],
    ["xoauth2", "implicit", all, "XOAUTH2"],
    ["plain", "starttls", new Set(["LOGIN"]), undefined],
  ] as const)(
    "for %s with smtp_tls %s, of those offered, is the right one",
    (auth, tls, offered, expected) => {
      expect(chooseMechanism({ smtp_auth: auth, smtp_tls: tls }, offered)).toBe(expected);
    },
  );
});
