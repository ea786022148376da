import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PIECE_BYTES } from "./scrubbing-limits.js";
import { isSearchable, secretForms } from "./secret-forms.js";
import { naiveScrub } from "./testing/naive-scrub.js";
import { base64Within, WRITTEN_FORMS } from "./testing/written-forms.js";

const AWKWARD = "a/b+c=d e&<\"'>\\é€😀~*(!)`$:@\u2028\t\u0001x%y#-_.;";

function texts(secret: string, set?: "all" | "base64"): string[] {
  return secretForms(secret, set).map((form) => form.toString());
}

/** Whether every byte of the text belongs to an occurrence of a form of the secret. */
function isCovered(text: string, secret: string): boolean {
  return /^\*+$/.test(naiveScrub(Buffer.from(text), secretForms(secret)).toString("latin1"));
}

describe("the forms of a secret", () => {
  test.each(Object.keys(WRITTEN_FORMS))("cover it as it is written: %s", (name) => {
    expect(isCovered(WRITTEN_FORMS[name]!(AWKWARD), AWKWARD)).toBe(true);
  });

  test("cover any secret however it is written, long ones too", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme", minLength: 8, maxLength: 150 }),
        fc.constantFrom(...Object.values(WRITTEN_FORMS)),
        (secret, write) => {
          fc.pre(!/^\s|\s$/.test(secret));
          expect(isCovered(write(secret), secret)).toBe(true);
        },
      ),
    );
  });

  test("cover what is determined of it in Base64, whatever stands around it", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme", minLength: 8, maxLength: 150 }),
        fc.uint8Array({ maxLength: 4 }),
        fc.uint8Array({ maxLength: 4 }),
        fc.constantFrom("base64" as const, "base64url" as const),
        fc.constantFrom("all" as const, "base64" as const),
        (secret, before, after, alphabet, set) => {
          const { text, from, to } = base64Within(secret, Buffer.from(before), Buffer.from(after), alphabet);
          const scrubbed = naiveScrub(Buffer.from(text), secretForms(secret, set)).toString();
          expect(to - from).toBeGreaterThanOrEqual(10);
          expect(scrubbed.slice(from, to)).toBe("*".repeat(to - from));
        },
      ),
    );
  });

  test("are few for a secret of letters and digits", () => {
    const forms = texts("abcdefgh12345678");
    expect(forms).toContain("abcdefgh12345678");
    expect(forms.filter((form) => form.startsWith("%"))).toHaveLength(1);
    expect(new Set(forms).size).toBe(forms.length);
    expect(forms.length).toBeLessThan(15);
  });

  test("of a header value hold its Latin-1 bytes", () => {
    const forms = secretForms("pässwörter");
    for (const form of [Buffer.from("pässwörter"), Buffer.from("pässwörter", "latin1")]) {
      expect(forms.some((other) => other.equals(form))).toBe(true);
    }
    expect(texts("pässwörter")).toContain("p%E4ssw%F6rter");
  });

  test("of a pair for basic authentication are Base64 only, its own escapes included", () => {
    const pair = "user:pa>>>???ssword";
    const sent = Buffer.from(pair).toString("base64");
    expect(sent).toMatch(/\/.*\+|\+.*\//);
    const determined = sent.slice(0, Math.floor((pair.length * 8) / 6));
    const forms = texts(pair, "base64");
    expect(forms).toContain(determined);
    expect(forms).toContain(determined.replaceAll("/", "\\/"));
    expect(forms).toContain(encodeURIComponent(determined));
    expect(forms.some((form) => form.includes("user"))).toBe(false);
  });

  test("are pieces of one size that cover the whole, once they are long", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary-ascii", minLength: 8, maxLength: 400 }), (secret) => {
        for (const form of secretForms(secret)) expect(form.length).toBeLessThanOrEqual(PIECE_BYTES);
      }),
    );
    const secret = Array.from({ length: 65 }, (_, i) => String.fromCharCode(0x30 + i)).join("");
    expect(texts(secret)).toContain(secret.slice(0, 64));
    expect(texts(secret)).toContain(secret.slice(1));
  });
});

describe("a secret of several lines", () => {
  const lines = [
    "c2VjcmV0IGtleSBtYXRlcmlhbCBsaW5lIG9uZQ",
    "c2VjcmV0IGtleSBtYXRlcmlhbCBsaW5lIHR3bw",
    "dGhlIGVuZA==",
  ];
  const pem = `-----BEGIN MADE-UP KEY-----\n${lines.join("\n")}\n-----END MADE-UP KEY-----\n`;

  test("is found line by line, whatever the line ends are", () => {
    const scrubbed = naiveScrub(Buffer.from(pem.replaceAll("\n", " \r\n ")), secretForms(pem)).toString();
    expect(scrubbed).not.toContain(lines[0]);
    expect(scrubbed).not.toContain(lines[1]);
  });

  test("has its short lines only as a part of the whole", () => {
    const innocent = `a text with ${lines[2]} in it`;
    expect(naiveScrub(Buffer.from(innocent), secretForms(pem)).toString()).toBe(innocent);
  });

  test("is found as a whole up to its last short line", () => {
    const scrubbed = naiveScrub(Buffer.from(JSON.stringify({ pem })), secretForms(pem)).toString();
    expect(scrubbed).toMatch(
      /^\{"pem":"-----BEGIN MADE-UP KEY-----\\n\*+\\n-----END MADE-UP KEY-----\\n"\}$/,
    );
  });

  test("is not found in what all keys have alike", () => {
    const openssh = pem
      .replaceAll("PRIVATE", "OPENSSH PRIVATE")
      .replace("\n", "\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n");
    const old = pem.replace(
      "\n",
      "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n",
    );
    for (const key of [pem, openssh, old]) {
      const another = key.replaceAll(/^[cd].*$/gm, "x");
      expect(naiveScrub(Buffer.from(another), secretForms(key)).toString()).toBe(another);
    }
  });

  test("keeps a line that looks like a header of something else", () => {
    const secret = "password: correct horse battery\nuser: somebody at example";
    expect(isCovered(secret, secret)).toBe(true);
    expect(isCovered("password: correct horse battery", secret)).toBe(true);
  });

  test("that is nothing but boundaries is no secret", () => {
    expect(secretForms("-----BEGIN MADE-UP KEY-----\n-----END MADE-UP KEY-----\n")).toEqual([]);
  });
});

describe("a secret under 8 characters", () => {
  test("has no forms", () => {
    expect(secretForms("1234567")).toEqual([]);
    expect(secretForms("1:34567", "base64")).toEqual([]);
    expect(secretForms("12345678")).not.toEqual([]);
  });

  test("is measured in characters as a person counts them", () => {
    expect(isSearchable("ääääääää")).toBe(true);
    expect(isSearchable("äääääää")).toBe(false);
    expect(isSearchable("😀😀😀😀😀😀😀")).toBe(false);
  });
});
