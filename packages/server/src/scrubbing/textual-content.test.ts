import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isTextual } from "./textual-content.js";

describe("which bodies are textual", () => {
  test.each([
    "text/plain",
    "text/html; charset=utf-8",
    "text/event-stream",
    "application/json",
    "application/problem+json",
    "application/vnd.api+json; ext=x",
    "application/xml",
    "application/atom+xml",
    "image/svg+xml",
    "application/javascript",
    "application/ecmascript",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=----x",
    "multipart/mixed; boundary=x",
    "application/x-ndjson",
    "application/jsonl",
    "application/json-seq",
    "application/graphql",
    "application/graphql-response+json",
    "application/yaml",
    "application/jwt",
    "message/rfc822",
  ])("%s is", (type) => {
    expect(isTextual(type)).toBe(true);
  });

  test.each([
    "image/png",
    "audio/mpeg",
    "video/mp4",
    "font/woff2",
    "application/octet-stream",
    "application/pdf",
    "application/zip",
    "application/grpc",
    "application/x-protobuf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/jsonx",
    "application/x-textual",
    "texture/plain",
    "image/json",
    'image/png; name="a, b; c=d\\" text/plain"',
    "image/png;",
    "image/png ; ; a=b ;",
    "\tIMAGE/PNG\t;\tname=x",
  ])("%s is not", (type) => {
    expect(isTextual(type)).toBe(false);
  });

  test("no type at all is", () => {
    expect(isTextual(undefined)).toBe(true);
    expect(isTextual("")).toBe(true);
    expect(isTextual("  ")).toBe(true);
  });

  test("case and space around it don't matter", () => {
    expect(isTextual(" APPLICATION/JSON ;\tCharset=UTF-8")).toBe(true);
    expect(isTextual("Text/HTML")).toBe(true);
    expect(isTextual("application/Problem+JSON;x")).toBe(true);
  });

  test.each([
    "image/png, image/png",
    "image/png, text/html",
    "image/png; a=b, text/html",
    "image",
    "image/",
    "/png",
    "image /png",
    "image/png/x",
    "image/png x",
    "image/png; a",
    'image/png; a="unclosed',
    "image/png; a=b c=d",
    "image/pñg",
    "image/png\n",
    "image/png\0",
  ])("%j is no single media type and therefore searched", (type) => {
    expect(isTextual(type)).toBe(true);
  });

  test("it answers fast and without error whatever it is given", () => {
    const unit = fc.constantFrom("a", "/", ";", "=", '"', "\\", " ", ",", "\t", "é", "\n");
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 200 }), (text) => {
        expect(typeof isTextual(text)).toBe("boolean");
        expect(isTextual(`${text}, text/html`)).toBe(true);
      }),
    );
    for (const text of ["; ", ";a=b", ' "', ';a="\\"', "a", "\t"]) {
      const started = performance.now();
      isTextual(`image/png${text.repeat(50_000)}!`);
      expect(performance.now() - started).toBeLessThan(500);
    }
  });
});
