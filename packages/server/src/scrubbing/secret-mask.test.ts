import { randomBytes } from "node:crypto";
import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Secret } from "../redaction/secret.js";
import { createSecretMask } from "./secret-mask.js";

const KEY_A = "key-of-service-a-0123456789";
const KEY_B = "s3cr3t!pw";

const searched = (...texts: string[]) => texts.map((text) => ({ secret: new Secret(text) }));
function maskWith(...texts: string[]) {
  const mask = createSecretMask(randomBytes);
  mask.update("a", searched(...texts));
  return mask;
}

describe("a secret in a text", () => {
  test.each([
    ["as it is", KEY_B],
    ["percent-encoded", encodeURIComponent(KEY_B)],
    ["in base64", Buffer.from(KEY_B).toString("base64")],
    ["in base64 for URLs", Buffer.from(KEY_A).toString("base64url")],
    ["in JSON", JSON.stringify(KEY_A)],
    [
      "with every byte percent-encoded",
      KEY_B.replace(/./gs, (unit) => `%${unit.charCodeAt(0).toString(16)}`),
    ],
    ["in hex", Buffer.from(KEY_A).toString("hex")],
    ["in hex, in capitals", Buffer.from(KEY_B).toString("hex").toUpperCase()],
    ["in hex of UTF-8", Buffer.from("pässwörter").toString("hex")],
    ["in hex behind other bytes, and before some", Buffer.from(`x=${KEY_B};`).toString("hex").slice(4, -2)],
    ["in Base64, behind another byte", Buffer.from(`x${KEY_A}`).toString("base64").slice(2)],
  ])("is overwritten: %s", (_, form) => {
    const masked = maskWith(KEY_A, KEY_B, "pässwörter").mask(`/items/${form}/x`);
    expect(masked).toContain("***");
    expect(masked).not.toContain(form.slice(2, -2));
    expect(masked.startsWith("/items/")).toBe(true);
    expect(masked.endsWith("/x")).toBe(true);
  });

  test("is overwritten once, however often it stands there, and whatever it is made of", () => {
    const mask = maskWith("aaaaaaaa", "pässwörter");
    expect(mask.mask("aaaaaaaaaaaaaaaa")).toBe("***");
    expect(mask.mask("aaaaaaa aaaaaaaa-aaaaaaaa")).toBe("aaaaaaa ***-***");
    expect(mask.mask("für pässwörter €")).toBe("für *** €");
  });

  test("that is long is overwritten whole", () => {
    const long = randomBytes(300).toString("base64url");
    expect(maskWith(long).mask(`x ${long} y`)).toBe("x *** y");
  });

  test("that is long is overwritten whole in hex", () => {
    const long = randomBytes(300).toString("base64url");
    expect(maskWith(long).mask(`x ${Buffer.from(long).toString("hex")} y`)).toBe("x *** y");
  });

  test("that is short is none", () => {
    expect(maskWith("short").mask("a short text")).toBe("a short text");
    const hex = Buffer.from("seven77").toString("hex");
    expect(maskWith("seven77").mask(hex)).toBe(hex);
  });

  test("is found wherever it begins, and nothing else is touched", () => {
    const text = fc.string({ unit: fc.constantFrom("k", "e", "y", "-", "o", "f", "0", "é"), maxLength: 40 });
    fc.assert(
      fc.property(text, text, (before, after) => {
        fc.pre(!before.includes(KEY_A) && !after.includes(KEY_A));
        const mask = maskWith(KEY_A);
        expect(mask.mask(before + KEY_A + after)).toBe(`${before}***${after}`);
        expect(mask.mask(before + after)).toBe(before + after);
      }),
    );
  });
});

test("what is masked follows the services", () => {
  const mask = maskWith(KEY_A);
  mask.update("b", searched(KEY_A, KEY_B));
  mask.remove("a");
  expect(mask.mask(`${KEY_A} ${KEY_B}`)).toBe("*** ***");
  mask.clear();
  expect(mask.mask(`${KEY_A} ${KEY_B}`)).toBe(`${KEY_A} ${KEY_B}`);
});

test("what services had before the latest changes is masked on, and what they had long ago is not", () => {
  const mask = maskWith(KEY_A);
  mask.update("a", searched(KEY_B));
  expect(mask.mask(`${KEY_A} ${KEY_B}`)).toBe("*** ***");
  mask.remove("a");
  expect(mask.mask(`${KEY_A} ${KEY_B}`)).toBe("*** ***");
  for (let change = 0; change < 600; change += 1) mask.update("c", searched(`of-${change}-0123456789`));
  expect(mask.mask(`${KEY_A} ${KEY_B}`)).toBe(`${KEY_A} ${KEY_B}`);
  expect(mask.mask("of-500-0123456789 of-599-0123456789")).toBe("*** ***");
});

test("a change that leaves a secret as it was takes nothing from what is masked on", () => {
  const mask = maskWith(KEY_A);
  mask.update("a", searched(KEY_B));
  for (let change = 0; change < 600; change += 1) mask.update("a", searched(KEY_B));
  expect(mask.mask(`${KEY_A} ${KEY_B}`)).toBe("*** ***");
  mask.remove("a");
  expect(mask.mask(KEY_B)).toBe("***");
});

test("a text longer than usual is masked as any other", () => {
  const filler = "€ and more ".repeat(1000);
  expect(maskWith(KEY_A).mask(`${filler}${KEY_A}${filler}`)).toBe(`${filler}***${filler}`);
});

test("what is masked after a lock is what was given since", () => {
  const mask = maskWith(KEY_A);
  mask.clear();
  mask.update("a", searched(KEY_B));
  expect(mask.mask(`${KEY_A} ${KEY_B}`)).toBe(`${KEY_A} ***`);
});

test("no secret is kept", () => {
  expect(inspect(maskWith(KEY_A), { depth: null, showHidden: true })).not.toContain(KEY_A);
});

test("a path is masked in microseconds beside two thousand secrets", () => {
  const mask = createSecretMask(randomBytes);
  for (let index = 0; index < 2000; index += 1) {
    mask.update(`s${index}`, searched(randomBytes(24).toString("base64url")));
  }
  const path = "/repos/acme/application/issues/1234/comments";
  const start = performance.now();
  for (let turn = 0; turn < 10_000; turn += 1) mask.mask(path);
  const microseconds = (performance.now() - start) / 10;
  expect(microseconds).toBeLessThan(100);
});
