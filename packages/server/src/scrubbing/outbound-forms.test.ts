import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { jsonForms } from "./json-forms.js";
import { outboundForms } from "./outbound-forms.js";
import { LONGEST_SENT_PATTERN } from "./outbound-limits.js";
import { percentForms } from "./percent-forms.js";

function formsOf(secret: string): string[] {
  return outboundForms(secret).map((form) => form.toString("latin1"));
}

function bytesOf(text: string): string {
  return Buffer.from(text).toString("latin1");
}

/** Well-formed, and nothing that trimming would take away. */
const secret = fc
  .string({ unit: "grapheme", minLength: 20, maxLength: 80 })
  .map((text) => `<${text.replaceAll("\r", "")}>`);

describe("the forms of a secret", () => {
  test("one form is enough for what no encoder changes", () => {
    expect(formsOf("sk-ant-api03-AbC_d.efgHIJ")).toEqual(["sk-ant-api03-AbC_d.efgHIJ"]);
  });

  test("what is taken to have one form is left alone by every encoder", () => {
    const all = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    expect(formsOf(all)).toEqual([all]);
    expect(new Set([...percentForms(Buffer.from(all)), ...jsonForms(all)])).toEqual(new Set([all]));
  });

  test("a base64 key is searched for raw, percent-encoded in either case, and with escaped slashes", () => {
    expect(formsOf("abcdefghijklmnop/rst+w==").toSorted()).toEqual(
      [
        "abcdefghijklmnop/rst+w==",
        "abcdefghijklmnop%2Frst%2Bw%3D%3D",
        "abcdefghijklmnop%2frst%2bw%3d%3d",
        "abcdefghijklmnop%2Frst+w==",
        "abcdefghijklmnop%2frst+w==",
        "abcdefghijklmnop/rst%2Bw%3D%3D",
        "abcdefghijklmnop/rst%2bw%3d%3d",
        "abcdefghijklmnop\\/rst+w==",
        "abcdefghijklmnop/rst+w\\u003d\\u003d",
        "abcdefghijklmnop/rst\\u002Bw==",
      ].toSorted(),
    );
  });

  test("they contain what the runtime's own encoders make of any text", () => {
    fc.assert(
      fc.property(secret, (text) => {
        const forms = formsOf(text);
        const json = JSON.stringify(text).slice(1, -1);
        expect(forms).toContain(bytesOf(text));
        expect(forms).toContain(bytesOf(json));
        expect(forms).toContain(bytesOf(json.replaceAll("/", "\\/")));
        expect(forms).toContain(encodeURIComponent(text));
        expect(forms).toContain(encodeURI(text));
        expect(forms).toContain(new URLSearchParams({ a: text }).toString().slice(2));
        expect(new Set(forms).size).toBe(forms.length);
      }),
    );
  });

  test("shorter than 20 characters is not searched for, whatever surrounds it", () => {
    expect(formsOf("a".repeat(19))).toEqual([]);
    expect(formsOf(` ${"a".repeat(19)}\n`)).toEqual([]);
    expect(formsOf("a".repeat(20))).toEqual(["a".repeat(20)]);
    expect(formsOf("-----BEGIN MADE-UP KEY-----\nabc\n-----END MADE-UP KEY-----\n")).toEqual([]);
  });

  test("of a PEM key the lines that every key has are left out, and either line end is found", () => {
    const body = "MC4CAQAwBQYDK2VwBCIEIBBB\nMC4CAQAwBQYDK2VwBCIEICCC";
    for (const key of [body, body.replaceAll("\n", "\r\n")]) {
      const eol = key.includes("\r") ? "\r\n" : "\n";
      const forms = formsOf(`-----BEGIN MADE-UP KEY-----${eol}${key}${eol}-----END MADE-UP KEY-----${eol}`);
      expect(forms).toContain(body);
      expect(forms).toContain(body.replaceAll("\n", "\r\n"));
      expect(forms).toContain(body.replaceAll("\n", "\\n"));
      expect(forms).toContain(body.replaceAll("\n", "%0D%0A"));
      expect(forms.every((form) => !form.includes("KEY"))).toBe(true);
    }
  });

  test("a form is no longer than the limit, and is the end of the whole form", () => {
    const long = `${"0123456789/".repeat(2000)}é`;
    for (const form of formsOf(long)) expect(form.length).toBe(LONGEST_SENT_PATTERN);
    expect(formsOf(long)).toContain(bytesOf(long).slice(-LONGEST_SENT_PATTERN));
    expect(formsOf(long)).toContain(encodeURIComponent(long).slice(-LONGEST_SENT_PATTERN));
  });

  test("a character that is two UTF-16 units is not cut in half where a long secret is cut", () => {
    const long = `${"😀".repeat(10)}${"a".repeat(LONGEST_SENT_PATTERN - 1)}`;
    expect(formsOf(long)).toContain(bytesOf(long).slice(-LONGEST_SENT_PATTERN));
    const oneOver = `😀${"a".repeat(LONGEST_SENT_PATTERN)}`;
    expect(formsOf(oneOver)).toContain("a".repeat(LONGEST_SENT_PATTERN));
  });
});
