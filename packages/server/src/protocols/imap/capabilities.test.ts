import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolViolation } from "../../wire/protocol-violation.js";
import { capabilitiesBeforeLogin, hasCapability, parseCapabilities } from "./capabilities.js";
import { IMAP_LIMITS } from "./limits.js";

describe("a list of capabilities", () => {
  test("is read in its order and spelling, with a space too many here and there", () => {
    expect(parseCapabilities("IMAP4rev1 AUTH=PLAIN  X-GM-EXT-1 THREAD=REFERENCES ")).toEqual([
      ...["IMAP4rev1", "AUTH=PLAIN", "X-GM-EXT-1", "THREAD=REFERENCES"],
    ]);
  });

  test.each(["", " "])("is not empty: %j", (list) => {
    expect(() => parseCapabilities(list)).toThrow(ProtocolViolation);
  });

  test.each(["a]b", "a\rb", "a\nb", "a\0b", "a\tb", 'a"b', "a\\b", "a(b", "a{3}", "a%", "a*", "\xe4"])(
    "response splitting: %j is no capability",
    (name) => {
      expect(() => parseCapabilities(`IMAP4rev1 ${name}`)).toThrow("not an atom");
    },
  );

  test("has a limit, and so has each name in it", () => {
    const most = Array.from({ length: IMAP_LIMITS.capabilities }, (_, index) => `X${index}`);
    expect(parseCapabilities(most.join(" "))).toEqual(most);
    expect(() => parseCapabilities([...most, "X"].join(" "))).toThrow("too many capabilities");
    const longest = "X".repeat(IMAP_LIMITS.capabilityBytes);
    expect(parseCapabilities(longest)).toEqual([longest]);
    expect(() => parseCapabilities(`${longest}X`)).toThrow(ProtocolViolation);
  });

  test("gives names that can stand in a line or a response code, or throws", () => {
    const bytes = fc.uint8Array().map((array) => Buffer.from(array).toString("latin1"));
    fc.assert(
      fc.property(bytes, (list) => {
        let names: readonly string[];
        try {
          names = parseCapabilities(list);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolViolation);
          return;
        }
        for (const name of names) expect(name).toMatch(/^[!-~]+$/);
        expect(names.join("")).not.toMatch(/[\]"\\(){]/);
      }),
    );
  });

  test("is searched without regard to letter case", () => {
    expect(hasCapability(["Literal+"], "LITERAL+")).toBe(true);
    expect(hasCapability(["LITERAL-"], "LITERAL+")).toBe(false);
  });
});

test("a client sees what the server has after the log-in, but logs in as it can here", () => {
  const ofServer = ["IMAP4rev1", "SASL-IR", "starttls", "LOGINDISABLED", "Auth=GSSAPI", "LITERAL+", "IDLE"];
  expect(capabilitiesBeforeLogin(ofServer)).toEqual([
    "IMAP4rev1",
    "LITERAL+",
    "IDLE",
    "AUTH=PLAIN",
    "SASL-IR",
  ]);
});
