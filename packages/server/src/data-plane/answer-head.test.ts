import { describe, expect, test } from "vitest";
import { compilePatterns } from "../scrubbing/secret-matcher.js";
import { encodeInterim, readAnswerHead, readTrailers } from "./answer-head.js";

const matcher = compilePatterns([Buffer.from("s3cret-0123")]);
const location = { service: "api", origin: "https://api.example.com", basePath: "/v1" };
const start = { status: 200, reason: "", isHttp10: false };
const raw = (...fields: string[]): Buffer[] => fields.map((field) => Buffer.from(field, "latin1"));

describe("the head of an answer", () => {
  test("has secrets overwritten wherever they stand: values, names, reason phrase", () => {
    const head = readAnswerHead(
      { ...start, reason: "Bad s3cret-0123" },
      raw("X-Echo", "Bearer s3cret-0123!", "s3cret-0123", "x", "X-Two", "s3cret-0123s3cret-0123"),
      location,
      matcher,
    );
    expect(head).toMatchObject({
      reason: `Bad ${"*".repeat(11)}`,
      headers: ["X-Echo", `Bearer ${"*".repeat(11)}!`, "*".repeat(11), "x", "X-Two", "*".repeat(22)],
    });
    expect(head.hits).toBeGreaterThan(2);
  });

  test("is as it came where nothing is searched for or found, bytes beyond ASCII too", () => {
    const fields = raw("X-Name", "caf\u00e9", "x-name", "again");
    for (const searched of [undefined, matcher]) {
      expect(readAnswerHead({ ...start, reason: "Fine" }, fields, location, searched)).toEqual({
        reason: "Fine",
        headers: ["X-Name", "caf\u00e9", "x-name", "again"],
        unscrubbed: ["X-Name", "caf\u00e9", "x-name", "again"],
        hits: 0,
      });
    }
  });

  test("leads redirects through the vault, by the base path as it went out, and then scrubs", () => {
    const fields = raw("Location", "/v1/a", "content-location", "/b?key=s3cret-0123");
    expect(readAnswerHead(start, fields, location, matcher).headers).toEqual([
      ...["Location", "/proxy/api/a"],
      ...["content-location", `https://api.example.com/b?key=${"*".repeat(11)}`],
    ]);
  });

  test("keeps framing, dates and numbers, whatever the secrets are", () => {
    const fields = [
      ...[
        "Content-Length",
        "12345678",
        "content-encoding",
        "gzip, br",
        "Content-Range",
        "bytes 0-9/12345678",
      ],
      ...["Date", "Tue, 15 Nov 2044 08:12:31 GMT", "Last-Modified", "Tue, 15 Nov 2044 08:12:31 GMT"],
      ...["Expires", "Tue, 15 Nov 2044 08:12:31 GMT", "Age", "12345678", "Retry-After", "12345678"],
      ...["Accept-Ranges", "bytes"],
    ];
    const words = [
      "12345678",
      "Nov 2044",
      "content-",
      "Date:Tue",
      "bytes 0-",
      "encoding",
      ":gzip, b",
      "-Ranges:bytes",
    ];
    const secrets = words.flatMap((word) => [word, word.toLowerCase()]).map((word) => Buffer.from(word));
    const searched = compilePatterns([...secrets, Buffer.from("-Length"), Buffer.from("Modified")]);
    const head = readAnswerHead(start, raw("X-Echo", "12345678", ...fields), location, searched);
    expect(head.headers).toEqual(["X-Echo", "********", ...fields]);
  });

  test("keeps no field that only has the name of such a one", () => {
    for (const name of [
      "Content-Length",
      "Date",
      "Expires",
      "Retry-After",
      "Content-Encoding",
      "Content-Range",
    ]) {
      const head = readAnswerHead(start, raw(name, "s3cret-0123"), location, matcher);
      expect(head.headers).toEqual([name, "*".repeat(11)]);
    }
  });

  test("shows no secret in Content-Type, and is known with it", () => {
    const fields = ["Content-Type", "application/json", "X-Type", "application/json"];
    const searched = compilePatterns([Buffer.from("application/json"), Buffer.from("Content-Type")]);
    const head = readAnswerHead(start, raw(...fields), location, searched);
    expect(head.headers).toEqual(["Content-Type", "*".repeat(16), "X-Type", "*".repeat(16)]);
    expect(head.unscrubbed).toEqual(fields);
  });

  test.each(["gzip", "chunked, gzip", "gzip, chunked"])(
    "with the transfer coding %s is refused",
    (coding) => {
      expect(() => readAnswerHead(start, raw("Transfer-Encoding", coding), location, undefined)).toThrow(
        expect.objectContaining({ code: "upstream_failed" }),
      );
      expect(() =>
        readAnswerHead(start, raw("Transfer-Encoding", " Chunked "), location, undefined),
      ).not.toThrow();
    },
  );

  test("of HTTP/1.0 with a transfer coding is refused", () => {
    const fields = raw("Transfer-Encoding", "chunked");
    expect(() => readAnswerHead({ ...start, isHttp10: true }, fields, location, undefined)).toThrow(
      expect.objectContaining({ code: "upstream_failed" }),
    );
    expect(() => readAnswerHead({ ...start, isHttp10: true }, [], location, undefined)).not.toThrow();
  });

  test.each([
    [101, false],
    [103, false],
    [200, true],
    [204, false],
    [304, true],
  ])("of status %i keeps its Content-Length: %s", (status, isKept) => {
    const fields = raw("X-A", "1", "content-Length", "7", "X-B", "2");
    expect(readAnswerHead({ ...start, status }, fields, location, undefined).headers).toEqual(
      isKept ? ["X-A", "1", "content-Length", "7", "X-B", "2"] : ["X-A", "1", "X-B", "2"],
    );
  });

  test("drops a reason phrase that is none", () => {
    expect(readAnswerHead({ ...start, reason: "a\u0001b" }, [], location, undefined).reason).toBe("");
  });
});

test("trailers are scrubbed, and what must not stand there is dropped", () => {
  const fields = raw(
    ...[
      "X-Sum",
      "1",
      "X-Echo",
      "s3cret-0123",
      "Content-Length",
      "5",
      "Set-Cookie",
      "a=b",
      "Connection",
      "x-sum",
    ],
    ...["Content-Type", "text/html", "WWW-Authenticate", "Basic", "Transfer-Encoding", "gzip"],
  );
  expect(readTrailers(fields, matcher).headers).toEqual(["X-Echo", "*".repeat(11)]);
});

test("an interim answer goes out as it is read back", () => {
  expect(encodeInterim(103, ["Link", "</a>; rel=preload", "X", "\u00e9"]).toString("latin1")).toBe(
    "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nX: \u00e9\r\n\r\n",
  );
});
