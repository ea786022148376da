import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { publicStarts, secretForms } from "./secret-forms.js";
import { ScrubStream } from "./scrub-stream.js";
import { compilePatterns } from "./secret-matcher.js";
import { WRITTEN_FORMS } from "./testing/written-forms.js";

const SECRET = "Zx81/Qwertyuiop+ASDF=0123456789";

const matcherOf = (secret: string) => compilePatterns(secretForms(secret), publicStarts(secret));
const MATCHER = matcherOf(SECRET);

function streamFor(secret: string, edges = false): ScrubStream {
  return new ScrubStream(secret === SECRET ? MATCHER : matcherOf(secret), { edges });
}

/** What was told of, after each piece and after the end. */
function told(secret: string, pieces: readonly string[], edges = false): unknown[] {
  const stream = streamFor(secret, edges);
  const all = pieces.map((piece) => {
    stream.push(Buffer.from(piece));
    return stream.takePartialMatch();
  });
  stream.end();
  return [...all, stream.takePartialMatch()];
}

describe("a part of a secret", () => {
  test("that waits at the end of a piece is told of when it turns out to be no more", () => {
    expect(told(SECRET, [`a ${SECRET.slice(0, 10)}`, "?"])).toEqual([
      undefined,
      { at: "inside", length: 10 },
      undefined,
    ]);
    expect(told(SECRET, [SECRET.slice(0, 8), SECRET.slice(8, 16), "!"])[2]).toEqual({
      at: "inside",
      length: 16,
    });
    expect(told(SECRET, [SECRET.slice(0, 12)])[1]).toEqual({ at: "inside", length: 12 });
  });

  test("is told of where another one begins behind it", () => {
    expect(told(SECRET, [SECRET.slice(0, 12), SECRET.slice(0, 11)])).toEqual([
      undefined,
      { at: "inside", length: 12 },
      { at: "inside", length: 11 },
    ]);
  });

  test("under ten bytes, or that never waited, is not told of", () => {
    expect(told(SECRET, [SECRET.slice(0, 9), "?", `${SECRET.slice(0, 20)}?`])).toEqual(
      Array(4).fill(undefined),
    );
  });

  test("of a whole one is not told of, wherever it is cut and however it is written", () => {
    for (const write of Object.values(WRITTEN_FORMS)) {
      const text = `"${write(SECRET)}"`;
      for (let at = 0; at <= text.length; at += 1) {
        expect(told(SECRET, [text.slice(0, at), text.slice(at)])).toEqual(Array(3).fill(undefined));
      }
    }
  });

  test("of a long one is not told of where pieces and forms of it and of its parts lie across each other", () => {
    const unit = fc.constantFrom(
      ...Array.from(`${"abcdefghijklmnopqrstuvwxyz0123456789".repeat(3)}+/=&%"\\<>';`),
    );
    fc.assert(
      fc.property(
        fc.string({ unit, minLength: 100, maxLength: 250 }),
        fc.constantFrom("raw", "JSON", "encodeURIComponent", "HTML", "base64"),
        (secret, form) => {
          const parts = secret.split(/[=;"]/).filter((part) => part.length >= 8);
          const patterns = [secret, ...parts].flatMap((text) => secretForms(text));
          const text = WRITTEN_FORMS[form]?.(secret) ?? Buffer.from(secret).toString("base64");
          const stream = new ScrubStream(compilePatterns(patterns));
          for (const character of `: ${text}\n`) {
            stream.push(Buffer.from(character));
            expect(stream.takePartialMatch()).toBeUndefined();
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  test("of a whole one is not told of where much more comes with its end", () => {
    const stream = streamFor(SECRET);
    stream.push(Buffer.from(SECRET.slice(0, 20)));
    stream.push(Buffer.from(`${SECRET.slice(20)}${` ${SECRET}`.repeat(20)}`));
    expect(stream.takePartialMatch()).toBeUndefined();
  });

  test("of a longer one that holds a whole one is not told of for that", () => {
    const stream = (): ScrubStream =>
      new ScrubStream(compilePatterns([Buffer.from(`session=${SECRET}; theme=dark`), Buffer.from(SECRET)]), {
        edges: true,
      });
    for (const text of [`session=${SECRET}; theme=dark`, `session=${SECRET}`, `session=${SECRET};?`]) {
      const searched = stream();
      const found = Array.from(text, (character) => {
        searched.push(Buffer.from(character));
        return searched.takePartialMatch();
      });
      searched.end();
      expect([...found, searched.takePartialMatch()].filter((match) => match !== undefined)).toEqual([]);
    }
    const searched = stream();
    searched.push(Buffer.from(`session=${SECRET}; theme=?`));
    searched.push(Buffer.from(`session=${SECRET}; theme=`));
    searched.push(Buffer.from("?"));
    expect(searched.takePartialMatch()).toEqual({ at: "inside", length: 16 });
  });

  test("counts from behind what is public of it", () => {
    const key = `sk-ant-api03-${SECRET}${SECRET}`;
    for (const length of [13, 22]) expect(told(key, [key.slice(0, length), "?"])[1]).toBeUndefined();
    expect(told(key, [key.slice(0, 23), "?"])[1]).toEqual({ at: "inside", length: 10 });
    expect(told(key, [key.slice(0, 22)], true)[1]).toBeUndefined();
    expect(told(key, [key.slice(0, 23)], true)[1]).toEqual({ at: "end", length: 10 });
  });

  test("of a JWS counts in its signature alone, also where it is cut into pieces", () => {
    const claims = `eyJhbGciOiJFUzI1NiJ9.eyJ${"abcd".repeat(38)}.`;
    const token = `${claims}${SECRET.replaceAll(/[+/=]/g, "_")}${"x".repeat(64)}`;
    for (const length of [30, 64, 100, 128, 160]) {
      expect(told(token, [token.slice(0, length), "?"])).toEqual(Array(3).fill(undefined));
    }
    const piece = Math.floor(claims.length / 64) * 64;
    expect(told(token, [token.slice(piece, claims.length + 10), "?"])[1]).toEqual({
      at: "inside",
      length: 10,
    });
  });

  test("is told of when the stream is abandoned, once", () => {
    const stream = streamFor(SECRET);
    stream.push(Buffer.from(SECRET.slice(0, 15)));
    stream.abandon();
    stream.abandon();
    expect(stream.takePartialMatch()).toEqual({ at: "inside", length: 15 });
    expect(stream.takePartialMatch()).toBeUndefined();
  });
});

describe("a guess at a secret", () => {
  test("is never seen to be right in its next character without being told of", () => {
    const letters = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 0, maxLength: 8 });
    fc.assert(
      fc.property(
        fc.integer({ min: 10, max: 30 }),
        letters,
        letters,
        fc.boolean(),
        (length, before, after, edges) => {
          const stream = streamFor(SECRET, edges);
          const guess = `${before}${SECRET.slice(0, length)}`;
          const first = stream.push(Buffer.from(guess)).toString();
          const rest = stream.push(Buffer.from(after)).toString() + stream.end().toString();
          const isSeen = first !== guess || first + rest !== guess + after;
          const match = stream.takePartialMatch();
          expect(match === undefined || match.length >= 10).toBe(true);
          if (isSeen) expect(match).toBeDefined();
        },
      ),
    );
  });
});
