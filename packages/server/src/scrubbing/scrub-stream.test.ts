import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Secret } from "../redaction/secret.js";
import { ScrubStream, type ScrubStreamOptions } from "./scrub-stream.js";
import { LET_GO_BYTES, SHORTEST_EDGE } from "./scrubbing-limits.js";
import { secretForms } from "./secret-forms.js";
import { compilePatterns, compileSecretMatcher, type SecretMatcher } from "./secret-matcher.js";
import { naiveDepth, naiveScrub } from "./testing/naive-scrub.js";
import { base64Within, WRITTEN_FORMS } from "./testing/written-forms.js";

const KEY = "sk-test-4f9a/K+e7Yq0==";

function matcherOf(...secrets: string[]): SecretMatcher {
  return compileSecretMatcher(secrets.map((secret) => ({ secret: new Secret(secret) })));
}

/** Cuts at the given places, which are taken modulo the length. */
function cut(text: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set(places.map((place) => place % (text.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, i) => text.subarray(from, at[i] ?? text.length));
}

/** What comes out of a stream; during the silences behind the pieces with these numbers it is asked to let go. */
function scrub(
  matcher: SecretMatcher,
  pieces: readonly Buffer[],
  { silences, ...options }: ScrubStreamOptions & { silences?: (piece: number) => boolean } = {},
): Buffer {
  const stream = new ScrubStream(matcher, options);
  const out: Buffer[] = [];
  for (const [number, piece] of pieces.entries()) {
    out.push(stream.push(piece));
    if (silences?.(number) === true) out.push(stream.letGo());
  }
  out.push(stream.end());
  return Buffer.concat(out);
}

function scrubbed(matcher: SecretMatcher, text: string, options?: ScrubStreamOptions): string {
  return scrub(matcher, [Buffer.from(text)], options).toString();
}

const filler = fc.string({ unit: fc.constantFrom(...Array.from('ab %\\u0{}":,sktes-4=\n')), maxLength: 30 });
const secretText = fc.oneof(
  fc.string({
    unit: fc.constantFrom(...Array.from("abAB01/+=&<\"'\\é€😀 -_~*")),
    minLength: 8,
    maxLength: 40,
  }),
  fc.string({ unit: "grapheme", minLength: 8, maxLength: 120 }),
);
/** A secret as somebody writes it, and which part of that must be overwritten. */
const written = fc.oneof(
  fc.constantFrom(...Object.values(WRITTEN_FORMS)).map((write) => (secret: string) => {
    const text = Buffer.from(write(secret));
    return { text, from: 0, to: text.length };
  }),
  fc
    .tuple(
      fc.uint8Array({ maxLength: 4 }),
      fc.uint8Array({ maxLength: 4 }),
      fc.constantFrom("base64" as const, "base64url" as const),
    )
    .map(([before, after, alphabet]) => (secret: string) => {
      const found = base64Within(secret, Buffer.from(before), Buffer.from(after), alphabet);
      return { ...found, text: Buffer.from(found.text) };
    }),
);
/** A text with the secrets in it, and the ranges that are secret. */
const echo = fc
  .tuple(
    fc.array(secretText, { minLength: 1, maxLength: 3 }),
    fc.array(fc.tuple(filler, fc.nat(), written), { maxLength: 5 }),
    filler,
  )
  .map(([secrets, parts, last]) => {
    let text = Buffer.alloc(0);
    const ranges: { from: number; to: number }[] = [];
    for (const [between, which, write] of parts) {
      const one = write(secrets[which % secrets.length]!);
      text = Buffer.concat([text, Buffer.from(between)]);
      ranges.push({ from: text.length + one.from, to: text.length + one.to });
      text = Buffer.concat([text, one.text]);
    }
    return { secrets, text: Buffer.concat([text, Buffer.from(last)]), ranges };
  });
const places = fc.array(fc.nat(), { maxLength: 12 });

describe("a scrubbed stream", () => {
  test("has none of the secrets in it, and every other byte as it was, wherever it is cut", () => {
    fc.assert(
      fc.property(echo, places, ({ secrets, text, ranges }, cuts) => {
        const out = scrub(matcherOf(...secrets), cut(text, cuts));
        const patterns = secrets.flatMap((secret) => secretForms(secret));
        for (const { from, to } of ranges) {
          expect(out.subarray(from, to).toString("latin1")).toBe("*".repeat(to - from));
        }
        expect(out.equals(naiveScrub(text, patterns))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test("is the same byte by byte", () => {
    fc.assert(
      fc.property(echo, ({ secrets, text }) => {
        const matcher = matcherOf(...secrets);
        const bytes = Array.from(text, (byte) => Buffer.of(byte));
        expect(scrub(matcher, bytes).equals(scrub(matcher, [text]))).toBe(true);
      }),
    );
  });

  test("is the same cut in two at every byte", () => {
    const matcher = matcherOf(KEY);
    const text = Object.values(WRITTEN_FORMS)
      .map((write) => `{"${write(KEY)}"}`)
      .join("\n");
    const whole = scrubbed(matcher, text);
    expect(whole).toMatch(/^(?:\{"\*+"\}\n?)+$/);
    for (let at = 0; at <= text.length; at += 1) {
      expect(scrub(matcher, [Buffer.from(text.slice(0, at)), Buffer.from(text.slice(at))]).toString()).toBe(
        whole,
      );
    }
  });

  test("loses the first 4 bytes of a secret at most to silences", () => {
    fc.assert(
      fc.property(
        echo,
        places,
        fc.array(fc.boolean(), { minLength: 1 }),
        ({ secrets, text, ranges }, cuts, when) => {
          const silences = (piece: number): boolean => when[piece % when.length]!;
          const patterns = secrets.flatMap((secret) => secretForms(secret));
          const expected = naiveScrub(text, patterns);
          for (const pieces of [cut(text, cuts), Array.from(text, (byte) => Buffer.of(byte))]) {
            const out = scrub(matcherOf(...secrets), pieces, { silences });
            expect(out).toHaveLength(text.length);
            for (const { from, to } of ranges) {
              const rest = out.subarray(from + LET_GO_BYTES, to).toString("latin1");
              expect(rest).toBe("*".repeat(Math.max(0, to - from - LET_GO_BYTES)));
            }
            for (const [i, byte] of out.entries()) if (byte !== expected[i]) expect(byte).toBe(text[i]);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  test.each([
    { alphabet: "ab", minLength: 3, maxLength: 9 },
    { alphabet: "ab", minLength: 8, maxLength: 16 },
    { alphabet: "abc", minLength: 4, maxLength: 6 },
  ])("is what a naive search makes of it, overlaps and all: $alphabet, $minLength to $maxLength", (shape) => {
    const { alphabet, minLength, maxLength } = shape;
    const from = (least: number, most: number): fc.Arbitrary<Buffer> =>
      fc
        .string({ unit: fc.constantFrom(...Array.from(alphabet)), minLength: least, maxLength: most })
        .map((text) => Buffer.from(text));
    fc.assert(
      fc.property(
        fc.array(from(minLength, maxLength), { minLength: 1, maxLength: 5 }),
        from(0, 120),
        places,
        (patterns, text, cuts) => {
          const matcher = compilePatterns(patterns);
          const stream = new ScrubStream(matcher);
          let [out, sent] = [Buffer.alloc(0), Buffer.alloc(0)];
          for (const piece of cut(text, cuts)) {
            sent = Buffer.concat([sent, piece]);
            out = Buffer.concat([out, stream.push(piece)]);
            const depth = naiveDepth(sent, patterns);
            const suspicious = naiveScrub(sent, patterns)
              .subarray(sent.length - depth)
              .toString();
            expect(out.length + stream.heldBytes).toBe(sent.length);
            expect(stream.heldBytes).toBeLessThanOrEqual(depth);
            expect(stream.heldBytes).toBeGreaterThanOrEqual(suspicious.replace(/^\*+/, "").length);
            expect(stream.heldBytes).toBeLessThan(matcher.longestPattern);
          }
          out = Buffer.concat([out, stream.end()]);
          expect(out.toString()).toBe(naiveScrub(text, patterns).toString());
        },
      ),
      { numRuns: 500 },
    );
  });

  test("counts what it found, whatever is connected once", () => {
    const stream = new ScrubStream(compilePatterns([Buffer.from("aabaabaa"), Buffer.from("baab")]));
    stream.push(Buffer.from("aabaabaabaa xx baa"));
    stream.push(Buffer.from("b aabaab"));
    stream.end();
    expect(stream.hits).toBe(3);
  });

  test("is not held up by a secret that is complete", () => {
    const stream = new ScrubStream(compilePatterns([Buffer.from("abcdefgh"), Buffer.from("abcdefghijkl")]));
    expect(stream.push(Buffer.from("x abcdefgh")).toString()).toBe("x ********");
    expect(stream.push(Buffer.from("ijk")).toString()).toBe("");
    expect(stream.push(Buffer.from("l.")).toString()).toBe("****.");
    const nested = new ScrubStream(
      compilePatterns([Buffer.from("bcd"), Buffer.from("abcdefgh"), Buffer.from("abcdefghijkl")]),
    );
    expect(nested.push(Buffer.from("abcdefgh")).toString()).toBe("********");
  });

  test("gives a clean chunk back itself, and never writes into one", () => {
    const stream = new ScrubStream(matcherOf(KEY));
    const clean = Buffer.from("nothing to see here.");
    expect(stream.push(clean)).toBe(clean);
    const chunk = Buffer.from(`. ${KEY} . ${KEY.slice(0, 9)}`);
    const copy = Buffer.from(chunk);
    stream.push(chunk);
    const held = stream.heldBytes;
    expect(held).toBe(9);
    stream.push(Buffer.from(KEY.slice(9)));
    expect(chunk.equals(copy)).toBe(true);
  });

  test("does not change when the caller reuses a chunk", () => {
    const stream = new ScrubStream(matcherOf(KEY));
    const chunk = Buffer.from(`. ${KEY.slice(0, 9)}`);
    stream.push(chunk);
    chunk.fill("x");
    expect(Buffer.concat([stream.push(Buffer.from("!")), stream.end()]).toString()).toBe(
      `${KEY.slice(0, 9)}!`,
    );
  });

  test("cannot be used after its end", () => {
    const stream = new ScrubStream(matcherOf(KEY));
    stream.end();
    expect(() => stream.push(Buffer.from("x"))).toThrow("ended");
    expect(() => stream.letGo()).toThrow("ended");
    expect(() => stream.end()).toThrow("ended");
  });
});

describe("a silence", () => {
  test("lets go what follows a secret at once too, but not what follows a whole piece of a long one", () => {
    const short = new ScrubStream(matcherOf(KEY));
    expect(short.push(Buffer.from(`${KEY}${KEY.slice(0, 2)}`)).toString()).toBe("*".repeat(KEY.length));
    expect(short.letGo().toString()).toBe(KEY.slice(0, 2));
    const longKey = Array.from({ length: 40 }, (_, n) => `${n}.`).join("");
    const long = new ScrubStream(matcherOf(longKey));
    expect(long.push(Buffer.from(longKey.slice(0, 66))).toString()).toBe("*".repeat(64));
    expect(long.letGo().toString()).toBe("");
    expect(long.push(Buffer.from(longKey.slice(66))).toString()).toBe("*".repeat(longKey.length - 64));
  });

  test("lets at most 4 bytes go, and the rest is overwritten when the secret is complete", () => {
    const stream = new ScrubStream(matcherOf(KEY));
    expect(stream.push(Buffer.from(`x${KEY.slice(0, 3)}`)).toString()).toBe("x");
    expect(stream.letGo().toString()).toBe(KEY.slice(0, 3));
    expect(stream.heldBytes).toBe(0);
    expect(stream.push(Buffer.from(KEY.slice(3, 4))).toString()).toBe("");
    expect(stream.letGo().toString()).toBe(KEY.slice(3, 4));
    expect(stream.push(Buffer.from(KEY.slice(4, 5))).toString()).toBe("");
    expect(stream.letGo().toString()).toBe("");
    expect(stream.push(Buffer.from(`${KEY.slice(5)}!`)).toString()).toBe(`${"*".repeat(KEY.length - 4)}!`);
    expect(stream.hits).toBe(1);
  });

  test("lets go of no more when what was let go turns out to be no secret", () => {
    const stream = new ScrubStream(matcherOf(KEY));
    stream.push(Buffer.from(KEY.slice(0, 4)));
    stream.letGo();
    expect(stream.push(Buffer.from("!")).toString()).toBe("!");
    expect(stream.push(Buffer.from(KEY.slice(0, 5))).toString()).toBe("");
    expect(stream.letGo().toString()).toBe("");
    expect(stream.end().toString()).toBe(KEY.slice(0, 5));
  });

  test("costs a secret of many pieces 4 bytes in all, not 4 of each piece", () => {
    const long = Array.from({ length: 300 }, (_, i) =>
      String.fromCharCode(0x21 + ((i * i + i * 7) % 90)),
    ).join("");
    const bytes = Array.from(Buffer.from(`${long}.`), (byte) => Buffer.of(byte));
    const out = scrub(matcherOf(long), bytes, { silences: () => true }).toString();
    expect(out).toBe(`${long.slice(0, 4)}${"*".repeat(296)}.`);
  });
});

describe("a partial answer", () => {
  const blank = fc.string({ unit: fc.constantFrom("\n", "\t"), minLength: 1, maxLength: 20 });
  const word = fc.string({
    unit: fc.constantFrom(...Array.from("abcABC012/+=")),
    minLength: 8,
    maxLength: 40,
  });
  const longWord = fc.string({
    unit: fc.constantFrom(...Array.from("abcABC012/+=")),
    minLength: 60,
    maxLength: 220,
  });
  const cutOut = fc.tuple(
    fc.oneof(word, longWord),
    fc.constantFrom(...Object.values(WRITTEN_FORMS)),
    fc.nat(),
    fc.nat(),
    places,
  );
  const edges = { edges: true };

  test("that begins in a secret has nothing of it", () => {
    fc.assert(
      fc.property(cutOut, blank, ([secret, write, place, , cuts], after) => {
        const form = write(secret);
        const tail = form.slice(place % (form.length - SHORTEST_EDGE + 1));
        const out = scrub(matcherOf(secret), cut(Buffer.from(tail + after), cuts), edges).toString();
        expect(out).toBe("*".repeat(tail.length) + after);
      }),
      { numRuns: 300 },
    );
  });

  test("that ends in a secret has nothing of it", () => {
    fc.assert(
      fc.property(cutOut, blank, ([secret, write, place, , cuts], before) => {
        const form = write(secret);
        const head = form.slice(0, SHORTEST_EDGE + (place % (form.length - SHORTEST_EDGE + 1)));
        const out = scrub(matcherOf(secret), cut(Buffer.from(before + head), cuts), edges).toString();
        expect(out).toBe(before + "*".repeat(head.length));
      }),
      { numRuns: 300 },
    );
  });

  test("from the inside of a secret has nothing of it", () => {
    fc.assert(
      fc.property(cutOut, ([secret, write, from, length, cuts]) => {
        const form = write(secret);
        const start = from % (form.length - SHORTEST_EDGE + 1);
        const end = start + SHORTEST_EDGE + (length % (form.length - start - SHORTEST_EDGE + 1));
        const out = scrub(
          matcherOf(secret),
          cut(Buffer.from(form.slice(start, end)), cuts),
          edges,
        ).toString();
        expect(out).toBe("*".repeat(end - start));
      }),
      { numRuns: 500 },
    );
  });

  test("without a secret at its edges is as it was, and not held up", () => {
    const stream = new ScrubStream(matcherOf(KEY), edges);
    expect(stream.push(Buffer.from("Some text without it.")).toString()).toBe("Some text without it.");
    expect(stream.end().toString()).toBe("");
    expect(stream.hits).toBe(0);
  });

  test("may have 5 characters of a secret at an edge, and any number elsewhere", () => {
    const matcher = matcherOf(KEY);
    for (const text of [
      `${KEY.slice(-5)} ... ${KEY.slice(0, 5)}`,
      `! ${KEY.slice(-10)} ... ${KEY.slice(0, 10)} !`,
      KEY.slice(3, 8),
    ]) {
      expect(scrubbed(matcher, text, edges)).toBe(text);
    }
  });

  test("that begins in the middle of a secret which goes on otherwise keeps that", () => {
    const matcher = compilePatterns([Buffer.from("0123abcdefgh4567"), Buffer.from("abcdefgh")]);
    expect(scrubbed(matcher, "23abcdefgh!", edges)).toBe("23********!");
  });

  test("counts each edge once", () => {
    const stream = new ScrubStream(matcherOf(KEY), edges);
    for (const byte of Buffer.from(`${KEY.slice(9)} ${KEY} ${KEY.slice(0, 9)}`)) stream.push(Buffer.of(byte));
    stream.end();
    expect(stream.hits).toBe(3);
  });

  test("that is no partial answer keeps its edges", () => {
    const text = `${KEY.slice(9)} ${KEY.slice(0, 9)}`;
    expect(scrubbed(matcherOf(KEY), text)).toBe(text);
  });

  test("holds back no more than the longest pattern and 5 bytes", () => {
    fc.assert(
      fc.property(cutOut, ([secret, write, from, , cuts]) => {
        const form = write(secret);
        const matcher = matcherOf(secret);
        const stream = new ScrubStream(matcher, edges);
        for (const piece of cut(Buffer.from(form.slice(from % form.length)), cuts)) {
          stream.push(piece);
          expect(stream.heldBytes).toBeLessThan(matcher.longestPattern + SHORTEST_EDGE);
        }
      }),
    );
  });
});
