import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  fingerprintOf,
  formatHostKey,
  isSavedHostKey,
  readHostKey,
  savedFingerprint,
  savedKeyType,
} from "./ssh-host-key.js";

const field = (bytes: Uint8Array): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
};
const KEY = Buffer.concat([field(Buffer.from("ssh-ed25519")), field(Buffer.alloc(32, 7))]);
const LINE = `ssh-ed25519 ${KEY.toString("base64")}`;
const FINGERPRINT = fingerprintOf(KEY);

describe("a host key", () => {
  test.each([
    ["as it is kept", LINE],
    ["its base64 alone", LINE.split(" ")[1] ?? ""],
    ["with a comment of several words", `${LINE} root at host`],
    ["with a host before it", `host.example.com,10.0.0.1 ${LINE}`],
    ["with blanks around it", `\t${LINE}  \n`],
  ])("is read %s", (_, text) => {
    expect(readHostKey(text)).toEqual({ ok: true, hostKey: LINE });
  });

  test("is read as a fingerprint, padded or not", () => {
    expect(readHostKey(FINGERPRINT)).toEqual({ ok: true, hostKey: FINGERPRINT });
    expect(readHostKey(`${FINGERPRINT}=`)).toEqual({ ok: true, hostKey: FINGERPRINT });
  });

  test.each([
    ["words before and behind what is no type", `${LINE.split(" ")[1] ?? ""} comment`],
    ["two words before its type", `a b ${LINE}`],
    ["more than a key can have", `${LINE} ${"x".repeat(9000)}`],
    ["a type that no server has", `ssh-xmss ${KEY.toString("base64")}`],
    ["one field only", field(Buffer.from("ssh-ed25519")).toString("base64")],
  ])("is refused with %s", (_, text) => {
    expect(readHostKey(text)).toMatchObject({ ok: false });
  });

  test("is compared by its bytes, also with a fingerprint", () => {
    const other = Buffer.from(KEY);
    other[other.length - 1] = 8;
    for (const saved of [LINE, FINGERPRINT]) {
      expect(isSavedHostKey(saved, KEY)).toBe(true);
      expect(isSavedHostKey(saved, other)).toBe(false);
      expect(savedFingerprint(saved)).toBe(FINGERPRINT);
    }
    expect([savedKeyType(LINE), savedKeyType(FINGERPRINT)]).toEqual(["ssh-ed25519", undefined]);
  });

  test("is never made of anything else, and is read back as it was written", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const reading = readHostKey(Buffer.from(bytes).toString("base64"));
        expect(reading.ok ? reading.hostKey : undefined).toBe(reading.ok ? formatHostKey(bytes) : undefined);
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => void readHostKey(text)));
  });
});
