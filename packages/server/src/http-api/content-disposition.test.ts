import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { attachmentDisposition } from "./content-disposition.js";

describe("Content-Disposition of a download", () => {
  test.each([
    ["key.json", 'attachment; filename="key.json"'],
    ["a b;c=d.json", 'attachment; filename="a b;c=d.json"'],
    ['say "hi".txt', "attachment; filename=\"say _hi_.txt\"; filename*=UTF-8''say%20%22hi%22.txt"],
    ["100%.txt", "attachment; filename=\"100_.txt\"; filename*=UTF-8''100%25.txt"],
    [
      "résumé (1)*.pdf",
      "attachment; filename=\"r_sum_ (1)*.pdf\"; filename*=UTF-8''r%C3%A9sum%C3%A9%20%281%29%2A.pdf",
    ],
    ["🔑.pem", "attachment; filename=\"_.pem\"; filename*=UTF-8''%F0%9F%94%91.pem"],
  ])("of %j", (name, value) => {
    expect(attachmentDisposition(name)).toBe(value);
  });

  test("is a header value that gives the name back, whatever the name", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 255 }), (name) => {
        const value = attachmentDisposition(name);
        expect(value).toMatch(/^[\x20-\x7e]+$/);
        const plain = /^attachment; filename="([^"\\%]*)"$/.exec(value);
        const extended =
          /^attachment; filename="[^"\\%]*"; filename\*=UTF-8''([A-Za-z0-9!#$&+\-.^_`|~%]*)$/.exec(value);
        expect(plain?.[1] ?? decodeURIComponent(extended?.[1] ?? "")).toBe(name);
      }),
    );
  });
});
