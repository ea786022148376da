import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { parsePartHeader } from "./part-header.js";

const parse = (...lines: string[]): unknown => parsePartHeader(Buffer.from(lines.join("\r\n")));

describe("the headers of a form's part", () => {
  test.each([
    ['Content-Disposition: form-data; name="mode"', { name: "mode", isFile: false }],
    ["content-disposition:form-data;name=mode", { name: "mode", isFile: false }],
    ['Content-Disposition: FORM-DATA; NAME="file"; FileName="a;b\\"c.txt"', { name: "file", isFile: true }],
    [`Content-Disposition: form-data; name="file"; filename*=utf-8''x`, { name: "file", isFile: true }],
    ['Content-Disposition: form-data; name="file"; filename="grüße"', { name: "file", isFile: true }],
  ])("give name and kind: %s", (line, expected) => {
    expect(parse(line)).toEqual(expected);
    expect(parse("Content-Type: text/plain", line, "X-More: x")).toEqual(expected);
  });

  test.each([
    ["no name", ['Content-Disposition: form-data; filename="f"']],
    ["no disposition", ["Content-Type: text/plain"]],
    ["another disposition", ['Content-Disposition: attachment; name="file"']],
    ["two names", ['Content-Disposition: form-data; name="file"; name="mode"']],
    ["two dispositions", Array<string>(2).fill('Content-Disposition: form-data; name="file"')],
    ["an open quote", ['Content-Disposition: form-data; name="file']],
    ["something behind the quote", ['Content-Disposition: form-data; name="file"x']],
    ["a line without a colon", ['Content-Disposition: form-data; name="file"', "x"]],
    ["a bare line feed", ['Content-Disposition: form-data; name="fi\nle"']],
    ["a NUL", ['Content-Disposition: form-data; name="fi\0le"']],
    [
      "a transfer encoding",
      ['Content-Disposition: form-data; name="file"', "Content-Transfer-Encoding: base64"],
    ],
  ])("are refused with %s", (_, lines) => {
    expect(() => parse(...lines)).toThrow(VaultProxyError);
  });

  test("are refused if they are not UTF-8", () => {
    const bytes = Buffer.concat([
      Buffer.from('Content-Disposition: form-data; name="file"; filename="'),
      Buffer.from([0xff, 0x22]),
    ]);
    expect(() => parsePartHeader(bytes)).toThrow("not valid UTF-8");
  });

  test("that are anything at all give a name or a refusal", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          expect(typeof parsePartHeader(Buffer.from(bytes)).name).toBe("string");
        } catch (error) {
          expect(error).toBeInstanceOf(VaultProxyError);
        }
      }),
    );
  });
});
