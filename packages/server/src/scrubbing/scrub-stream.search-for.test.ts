import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ScrubStream } from "./scrub-stream.js";
import { compilePatterns } from "./secret-matcher.js";
import { naiveScrub } from "./testing/naive-scrub.js";

const pattern = fc
  .string({ unit: fc.constantFrom("a", "b", "c"), minLength: 3, maxLength: 12 })
  .map((text) => Buffer.from(text));
const step = fc.record({
  text: fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 15 }),
  added: fc.option(pattern, { nil: undefined }),
});

describe("a scrubbed stream for which other patterns are searched on the way", () => {
  test("has neither the old ones in it, nor the new ones from there on, and every other byte as it was", () => {
    fc.assert(
      fc.property(
        fc.array(pattern, { minLength: 1, maxLength: 3 }),
        fc.array(step, { maxLength: 8 }),
        (first, steps) => {
          const patterns = [...first];
          const stream = new ScrubStream(compilePatterns(patterns));
          const out: Buffer[] = [];
          const demanded: { from: number; pattern: Buffer }[] = first.map((each) => ({
            from: 0,
            pattern: each,
          }));
          let came = 0;
          for (const { text, added } of steps) {
            out.push(stream.push(Buffer.from(text)));
            came += text.length;
            if (added === undefined) continue;
            demanded.push({ from: came - stream.heldBytes, pattern: added });
            patterns.push(added);
            stream.searchFor(compilePatterns(patterns));
          }
          out.push(stream.end());
          const text = Buffer.from(steps.map((each) => each.text).join(""));
          const scrubbed = Buffer.concat(out);
          expect(scrubbed).toHaveLength(text.length);
          const may = naiveScrub(text, patterns);
          for (const [at, byte] of scrubbed.entries()) {
            if (byte !== text[at]) expect(may[at]).toBe(byte);
          }
          for (const { from, pattern: wanted } of demanded) {
            for (let at = text.indexOf(wanted, from); at >= 0; at = text.indexOf(wanted, at + 1)) {
              expect(scrubbed.subarray(at, at + wanted.length).toString()).toBe("*".repeat(wanted.length));
            }
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("finds the rest of a long secret whose pieces overlap, where the change comes between them", () => {
    const secret = "0123456789".repeat(10);
    const old = [Buffer.from(secret.slice(0, 64)), Buffer.from(secret.slice(36))];
    for (let at = 0; at <= secret.length; at += 1) {
      const stream = new ScrubStream(compilePatterns(old));
      const first = stream.push(Buffer.from(`<${secret.slice(0, at)}`));
      stream.searchFor(compilePatterns([...old, Buffer.from("another secret")]));
      const last = stream.push(Buffer.from(`${secret.slice(at)}>`));
      expect(Buffer.concat([first, last, stream.end()]).toString()).toBe(`<${"*".repeat(100)}>`);
      expect(stream.hits).toBe(1);
    }
  });

  test("finds the rest of a secret of which the first bytes were let go before the change", () => {
    const secret = "0123456789abcdef";
    for (let at = 1; at <= 4; at += 1) {
      const stream = new ScrubStream(compilePatterns([Buffer.from(secret)]));
      stream.push(Buffer.from(secret.slice(0, at)));
      expect(stream.letGo().toString()).toBe(secret.slice(0, at));
      stream.searchFor(compilePatterns([Buffer.from(secret), Buffer.from("another secret")]));
      expect(stream.push(Buffer.from(`${secret.slice(at)}!`)).toString()).toBe(`${"*".repeat(16 - at)}!`);
    }
  });

  test("keeps both edges of a partial answer", () => {
    const secret = "abcdefghijklmnop";
    const stream = new ScrubStream(compilePatterns([Buffer.from(secret)]), { edges: true });
    const out = [stream.push(Buffer.from("ij"))];
    stream.searchFor(compilePatterns([Buffer.from(secret), Buffer.from("another secret")]));
    out.push(stream.push(Buffer.from("klmnop - another secret - abcdefg")), stream.end());
    expect(Buffer.concat(out).toString()).toBe(`******** - ${"*".repeat(14)} - *******`);
  });

  test("cannot change once it has ended", () => {
    const stream = new ScrubStream(compilePatterns([]));
    stream.end();
    expect(() => stream.searchFor(compilePatterns([]))).toThrow("ended");
  });
});
