import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { POLICY_LIMITS } from "./policy-limits.js";
import { readRequestPath } from "./request-path.js";

describe("a path is read", () => {
  test.each([
    ["", [""]],
    ["/", [""]],
    ["/repos/acme/app", ["repos", "acme", "app"]],
    ["/repos/", ["repos", ""]],
    ["/a-b._~!$&'()*+,=:@", ["a-b._~!$&'()*+,=:@"]],
    ["/.well-known/..a/a../.a.", [".well-known", "..a", "a..", ".a."]],
  ])("%j", (raw, segments) => {
    expect(readRequestPath(raw)).toEqual({ ok: true, segments });
  });

  test.each([
    "/caf%C3%A9",
    "/caf%c3%a9",
    "/a%20b",
    "/%E6%97%A5",
    "/100%25",
    "/100%25-off",
    "/%F0%9F%98%80",
    "/%7Ea",
    "/%E3%80%8C%E7%B5%82%E3%82%8F%E3%82%8A%E3%80%82%E3%80%8D",
    "/%F0%9F%91%A9%E2%80%8D%F0%9F%92%BB",
  ])("%j, with each escape as one unit", (raw) => {
    const path = readRequestPath(raw);
    expect(path).toMatchObject({ ok: true });
    if (path.ok) expect(path.segments.join("")).toHaveLength(raw.slice(1).replaceAll(/%../g, "x").length);
  });
});

describe("a path is refused that", () => {
  test.each([
    ["begins without a slash", "repos"],
    ["is a whole URL", "http://h/a"],
    ["has an empty first segment", "//a"],
    ["has an empty segment", "/a//b"],
    ["ends in two slashes", "/a//"],
    ["holds a dot segment", "/a/./b"],
    ["holds a dot-dot segment", "/a/../b"],
    ["ends in a dot-dot segment", "/a/.."],
    ["is only dots", "/..."],
    ["holds an escaped dot segment", "/a/%2e%2e/b"],
    ["holds a half escaped dot segment", "/a/.%2E/b"],
    ["holds a dot segment escaped twice", "/a/%252e%252e/b"],
    ["holds a dot segment escaped thrice", "/a/%25252e%25252e/b"],
    ["holds a dot segment before a blank", "/a/..%20/b"],
    ["holds a dot segment before a path parameter", "/a/..;x/b"],
    ["holds a dot segment before an escaped path parameter", "/a/..%3Bx/b"],
    ["holds a path parameter", "/a;b=c/d"],
    ["holds an escaped slash", "/a%2Fb"],
    ["holds an escaped slash in lower case", "/a%2fb"],
    ["holds an escaped backslash", "/a%5Cb"],
    ["holds a backslash", "/a\\b"],
    ["holds an escaped question mark", "/a%3Fb"],
    ["holds an escaped number sign", "/a%23b"],
    ["holds a question mark", "/a?b"],
    ["holds a number sign", "/a#b"],
    ["holds an escaped NUL", "/a%00b"],
    ["holds an escaped newline", "/a%0Ab"],
    ["holds an escaped delete character", "/a%7F"],
    ["holds an escaped C1 control", "/a%C2%85"],
    ["holds what is escaped twice", "/a%2541"],
    ["holds an escaped escape of IIS", "/a%25u002e"],
    ["holds an escape of IIS", "/a%u002e"],
    ["holds a broken escape", "/a%2"],
    ["ends in a percent sign", "/a%"],
    ["holds an escape that is not hexadecimal", "/a%GG"],
    ["holds an overlong slash", "/a%C0%AFb"],
    ["holds an overlong dot", "/%C0%AE%C0%AE/b"],
    ["holds an overlong slash of three bytes", "/a%E0%80%AFb"],
    ["holds half of an UTF-8 character", "/a%C3"],
    ["holds half of an UTF-8 character before another segment", "/a%C3/%A9"],
    ["holds a continuation byte", "/a%A9"],
    ["holds an escaped surrogate", "/%ED%A0%80"],
    ["holds an octet of no UTF-8", "/%FF"],
    ["holds a fullwidth solidus", "/a%EF%BC%8Fb"],
    ["holds a fullwidth reverse solidus", "/a%EF%BC%BCb"],
    ["holds fullwidth dots", "/%EF%BC%8E%EF%BC%8E/b"],
    ["holds a two dot leader", "/%E2%80%A5/b"],
    ["holds a Greek question mark", "/a%CD%BEb"],
    ["holds a fullwidth percent sign", "/a%EF%BC%852e"],
    ["holds an account-of sign", "/a%E2%84%80"],
    ["holds a fraction slash", "/a%E2%81%84b"],
    ["holds a division slash", "/a%E2%88%95b"],
    ["holds a big solidus", "/a%E2%A7%B8b"],
    ["holds a set minus", "/a%E2%88%96b"],
    ["holds a reverse solidus operator", "/a%E2%A7%B5b"],
    ["holds ideographic full stops", "/%E3%80%82%E3%80%82/b"],
    ["holds a half-width ideographic full stop beside a dot", "/.%EF%BD%A1/b"],
    ["holds an ideographic full stop beside a dot", "/.%E3%80%82/b"],
    ["holds a zero-width space between dots", "/.%E2%80%8B./b"],
    ["holds a zero-width joiner behind dots", "/..%E2%80%8D/b"],
    ["holds a word joiner between escaped dots", "/%2e%E2%81%A0%2e/b"],
    ["holds a byte order mark before dots", "/%EF%BB%BF../b"],
    ["holds a soft hyphen between dots", "/.%C2%AD./b"],
    ["holds a line separator behind dots", "/..%E2%80%A8/b"],
    ["holds a segment of which nothing is seen", "/a/%E2%80%8B/b"],
    ["holds an escape with a soft hyphen in it", "/%25%C2%AD2e"],
    ["holds a blank", "/a b"],
    ["holds a quotation mark", '/a"b'],
    ["holds a vertical bar", "/a|b"],
    ["holds brackets", "/a[b]"],
    ["holds braces", "/{a}"],
    ["holds a circumflex", "/a^b"],
    ["holds a less-than sign", "/<a>"],
    ["holds a newline", "/a\nb"],
    ["holds NUL", "/a\0"],
    ["holds an octet above 7F", "/caf\u00e9"],
    ["holds a character above FF", "/\u6f22"],
    ["is longer than the limit", `/${"a".repeat(POLICY_LIMITS.pathBytes)}`],
  ])("%s", (_, raw) => {
    expect(readRequestPath(raw)).toMatchObject({ ok: false });
  });
});

test.each([
  ["/a%4", "holds a broken percent escape"],
  ["/a%/b", "holds a broken percent escape"],
  ["/a%2Fb", "holds an escaped separator"],
  ["/a%2541", "holds what is escaped twice"],
  ["/a%FF", "holds an escape that is not UTF-8"],
  ["/a%00", "holds an escaped control character"],
  ["/a/../b", "holds a dot segment"],
  ["/a//b", "holds an empty segment"],
  ["/a;b", "holds a character that a path with rules cannot hold"],
  ["a", "does not begin with a slash"],
])("a refusal of %j says that it %s", (raw, reason) => {
  expect(readRequestPath(raw)).toEqual({ ok: false, reason });
});

test("a refusal repeats nothing of the path", () => {
  fc.assert(
    fc.property(fc.string(), (tail) => {
      const read = readRequestPath(`/sEcReT\0${tail}`);
      expect(read).toMatchObject({ ok: false });
      expect(JSON.stringify(read)).not.toContain("sEcReT");
    }),
  );
});

test("however often an accepted path is decoded, it keeps its segments and names no other place", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      ..."/.%2eEfF5cC;?#\\a0 u".split(""),
      "%2e",
      "%2F",
      "%25",
      "%C0%AE",
      "%5C",
      "%00",
      "..",
      "%EF%BC%8F",
    ),
    fc.integer({ min: 0, max: 255 }).map((octet) => `%${octet.toString(16).padStart(2, "0")}`),
  );
  let accepted = 0;
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const raw = `/${pieces.join("")}`;
      const read = readRequestPath(raw);
      if (!read.ok) return;
      accepted += 1;
      let text = raw;
      for (let depth = 0; depth < 4; depth += 1) {
        expect(new URL(`http://h${raw}`).pathname).toBe(raw);
        expect(text.split("/")).toHaveLength(read.segments.length + 1);
        expect(text).not.toMatch(/[\\;?#\p{Cc}]/u);
        expect(text.split("/").some((segment) => segment === "." || segment === "..")).toBe(false);
        const next = text.replaceAll(/(?:%[0-9a-f]{2})+/gi, (escapes) => decodeURIComponent(escapes));
        if (next === text) break;
        text = next;
      }
    }),
    { numRuns: 3000 },
  );
  expect(accepted).toBeGreaterThan(100);
});
