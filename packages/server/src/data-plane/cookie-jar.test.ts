import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CookieJar } from "./cookie-jar.js";
import { COOKIE_LIMITS } from "./cookie-limits.js";

const START = Date.UTC(2030, 0, 1);

/** A jar of https://api.example.com with a clock of its own. */
function setUp() {
  let now = START;
  const jar = new CookieJar({ host: "api.example.com", isSecure: true }, () => now);
  const take = (fields: readonly string[], path = "/"): void =>
    jar.take(
      fields.flatMap((field) => [Buffer.from("Set-Cookie"), Buffer.from(field, "latin1")]),
      path,
    );
  const searched = (): string[] => jar.searched().map(({ secret }) => secret.reveal());
  return { jar, take, searched, wait: (milliseconds: number) => (now += milliseconds) };
}

describe("a service's cookie jar", () => {
  test("gives what it took, and nothing before", () => {
    const { jar, take } = setUp();
    expect(jar.header("/")).toBeUndefined();
    take(["sid=abc; Path=/; HttpOnly; Secure", "theme=dark"]);
    expect(jar.header("/any/where")).toBe("sid=abc; theme=dark");
    expect(jar.size).toBe(2);
  });

  test("takes Set-Cookie in any letter case, and no other field", () => {
    const { jar } = setUp();
    const fields = ["SET-COOKIE", "a=1", "set-cookie", "b=2", "Set-Cookie2", "c=3", "X-Set-Cook", "d=4"];
    jar.take(
      [...fields, "Set-Cookie"].map((field) => Buffer.from(field)),
      "/",
    );
    expect(jar.header("/")).toBe("a=1; b=2");
  });

  test("sends a cookie to its path and below", () => {
    const { jar, take } = setUp();
    take(["a=1; Path=/v1", "b=2; Path=/v1/", "c=3"], "/v2/login");
    expect(jar.header("/v1")).toBe("a=1");
    expect(jar.header("/v1/")).toBe("b=2; a=1");
    expect(jar.header("/v1/x")).toBe("b=2; a=1");
    expect(jar.header("/v1x")).toBeUndefined();
    expect(jar.header("/v2")).toBe("c=3");
    expect(jar.header("/")).toBeUndefined();
  });

  test("sends longer paths first, then older cookies, whichever was used or set again last", () => {
    const { jar, take } = setUp();
    take(["a=1; Path=/", "b=2; Path=/", "c=3; Path=/x", "d=4; Path=/x"]);
    take(["a=5; Path=/", "c=6; Path=/x"]);
    jar.header("/");
    expect(jar.header("/x")).toBe("c=6; d=4; a=5; b=2");
  });

  test("keeps cookies of one name apart by path and domain", () => {
    const { jar, take } = setUp();
    take(["a=1; Path=/", "a=2; Path=/x", "a=3; Path=/; Domain=example.com"]);
    expect(jar.header("/x")).toBe("a=2; a=1; a=3");
    take(["a=; Path=/; Max-Age=0"]);
    expect(jar.header("/x")).toBe("a=2; a=3");
  });

  test("forgets a cookie that is set to an end in the past, and only that one", () => {
    const { jar, take, searched } = setUp();
    take(["sid=abcdefgh", "other=1"]);
    take(["sid=; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "never=1; Max-Age=0"]);
    expect(jar.size).toBe(1);
    expect(jar.header("/")).toBe("other=1");
    expect(searched()).toEqual([]);
  });

  test("counts Max-Age from when the cookie came, however often it is used", () => {
    const { jar, take, wait, searched } = setUp();
    take(["sid=abcdefgh; Max-Age=60", "stays=1"]);
    for (let second = 0; second < 59; second += 1) {
      wait(1000);
      expect(jar.header("/")).toBe("sid=abcdefgh; stays=1");
    }
    wait(1000);
    expect(jar.header("/")).toBe("stays=1");
    expect(jar.size).toBe(1);
    expect(searched()).toEqual([]);
  });

  test("heeds Expires by its clock", () => {
    const { jar, take, wait } = setUp();
    take([`sid=1; Expires=${new Date(START + 5000).toUTCString()}`]);
    wait(4999);
    expect(jar.header("/")).toBe("sid=1");
    wait(1);
    expect(jar.header("/")).toBeUndefined();
  });

  test("is empty for good once it is closed", () => {
    const { jar, take, searched } = setUp();
    take(["sid=abcdefgh"]);
    jar.close();
    take(["sid=abcdefgh"]);
    expect(jar.header("/")).toBeUndefined();
    expect(jar.size).toBe(0);
    expect(searched()).toEqual([]);
  });

  test("shows no value where it is printed", () => {
    const { jar, take } = setUp();
    take(["sid=abcdefgh"]);
    expect(inspect(jar, { depth: 9, showHidden: true }) + JSON.stringify(jar)).not.toContain("abcdefgh");
  });
});

describe("its limits", () => {
  test("50 cookies: the one longest unused goes, the expired before it", () => {
    const { jar, take, wait } = setUp();
    take(
      Array.from(
        { length: COOKIE_LIMITS.perJar },
        (_, i) => `c${i}=${i}; Path=/p${i}; Max-Age=${i === 9 ? 1 : 99}`,
      ),
    );
    expect(jar.header("/p0")).toBe("c0=0");
    take(["new1=1; Path=/new1"]);
    expect(jar.size).toBe(50);
    expect([jar.header("/p0"), jar.header("/p1"), jar.header("/new1")]).toEqual([
      "c0=0",
      undefined,
      "new1=1",
    ]);
    wait(1000);
    take(["new2=2; Path=/new2"]);
    expect([jar.header("/p2"), jar.header("/p9"), jar.header("/new2")]).toEqual([
      "c2=2",
      undefined,
      "new2=2",
    ]);
  });

  test("what was sent together is used alike", () => {
    const { jar, take } = setUp();
    take(["a=1; Path=/x", "b=2; Path=/x", ...Array.from({ length: 48 }, (_, i) => `c${i}=${i}; Path=/y`)]);
    expect(jar.header("/x")).toBe("a=1; b=2");
    take(Array.from({ length: 48 }, (_, i) => `d${i}=${i}; Path=/z`));
    expect(jar.header("/x")).toBe("a=1; b=2");
    expect(jar.header("/y")).toBeUndefined();
  });

  test("8 KiB in all, a cookie that is set again counted once", () => {
    const { jar, take } = setUp();
    const value = "x".repeat(2000);
    for (let time = 0; time < 20; time += 1) take([`a=${value}; Path=/a`]);
    take([`b=${value}; Path=/b`, `c=${value}; Path=/c`, `d=${value}; Path=/d`]);
    expect(jar.size).toBe(4);
    expect(jar.header("/a")).toHaveLength(2002);
    take([`e=${value}; Path=/e`]);
    expect(jar.size).toBe(4);
    expect(jar.header("/b")).toBeUndefined();
    expect(jar.header("/a")).toHaveLength(2002);
  });

  test("8 KiB in one Cookie field: what does not fit is left out, what does is not", () => {
    const { jar, take } = setUp();
    take(Array.from({ length: 48 }, (_, i) => `c${i + 10}=${"x".repeat(159)}`));
    take([`big=${"x".repeat(300)}`, "d=1"]);
    expect(jar.size).toBe(50);
    const header = jar.header("/") ?? "";
    expect(header.length).toBeLessThanOrEqual(8192);
    expect(header).not.toContain("big=");
    expect(header).toMatch(/; d=1$/);
  });

  test("ten thousand fields in one answer leave the last fifty, soon", () => {
    const { jar, take } = setUp();
    const began = performance.now();
    take(Array.from({ length: 10_000 }, (_, i) => `c${i}=${i}`));
    expect(jar.size).toBe(50);
    expect(jar.header("/")).toBe(Array.from({ length: 50 }, (_, i) => `c${i + 9950}=${i + 9950}`).join("; "));
    expect(performance.now() - began).toBeLessThan(5000);
  });

  test("hold whatever comes, and nothing is thrown", () => {
    const field = fc.oneof(
      fc.string({
        unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
        maxLength: 40,
      }),
      fc
        .tuple(
          fc.stringMatching(/^[a-z]{1,3}$/),
          fc.oneof(
            fc.string(),
            fc.nat(6000).map((length) => "v".repeat(length)),
          ),
          fc.constantFrom(
            "",
            "; Path=/a",
            "; Path=/a/b",
            "; Max-Age=1",
            "; Max-Age=0",
            "; Domain=example.com",
          ),
        )
        .map(([name, value, attributes]) => `${name}=${value}${attributes}`),
    );
    const answer = fc.record({ fields: fc.array(field, { maxLength: 40 }), wait: fc.nat(800) });
    const paths = fc.constantFrom("/", "/a", "/a/b", "/a/b/c", "");
    fc.assert(
      fc.property(fc.array(fc.tuple(answer, paths), { maxLength: 8 }), (answers) => {
        const { jar, take, searched, wait } = setUp();
        for (const [{ fields, wait: milliseconds }, path] of answers) {
          take(fields, path);
          expect(jar.size).toBeLessThanOrEqual(COOKIE_LIMITS.perJar);
          wait(milliseconds);
          const header = jar.header(path) ?? "";
          expect(header.length).toBeLessThanOrEqual(COOKIE_LIMITS.headerLength);
          expect(header).toMatch(/^[\x20-\x7e\x80-\xff]*$/);
          expect(searched().join("").length).toBeLessThanOrEqual(3 * COOKIE_LIMITS.jarLength);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("what is searched for on its behalf", () => {
  test("are values of 8 characters and more, each once", () => {
    const { take, searched } = setUp();
    take(["a=abcdefg", "b=abcdefgh", "c=abcdefgh", "d=12345678"]);
    expect(searched()).toEqual(["abcdefgh", "12345678"]);
  });

  test.each([
    ["without quotes", 'a="abcdefgh"', ["abcdefgh"]],
    ["without quotes, but then too short", 'a="abcdef"', []],
    ["percent-decoded too", "a=s%3Aabcdef%2Bg", ["s%3Aabcdef%2Bg", "s:abcdef+g"]],
    [
      "as UTF-8 too",
      "a=\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9abcd",
      ["\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9abcd", "ééééabcd"],
    ],
    ["as it is where it is no encoding", "a=100%abcdef\xe9", ["100%abcdef\xe9"]],
  ])("%s", (_title, field, texts) => {
    const { take, searched } = setUp();
    take([field]);
    expect(searched()).toEqual(texts);
  });

  test("is the same array as long as no value has changed", () => {
    const { jar, take, wait } = setUp();
    const none = jar.searched();
    take(["a=abcdefgh; Max-Age=9", "b=12345678"]);
    const first = jar.searched();
    expect(first).not.toBe(none);
    take(["a=abcdefgh; Max-Age=60"]);
    jar.header("/");
    wait(9000);
    jar.header("/");
    expect(jar.searched()).toBe(first);
    take(["a=abcdefgi"]);
    expect(jar.searched()).not.toBe(first);
  });
});
