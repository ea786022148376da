import { Readable } from "node:stream";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { linesOf, readFirstLine, readLines } from "./secret-source.js";

describe("readFirstLine", () => {
  test.each([
    ["secret\nmore", "secret"],
    ["secret\r\n", "secret"],
    ["secret", "secret"],
    ["\nsecond", ""],
    ["", ""],
    [" spaces stay \n", " spaces stay "],
  ])("of %j is %j", async (text, line) => {
    expect(await readFirstLine(Readable.from([text]))).toBe(line);
  });

  test("does not wait for what follows the line", async () => {
    const input = new Readable({ read: () => undefined });
    input.push("secret\n");
    expect(await readFirstLine(input)).toBe("secret");
  });

  test("joins characters that were split between chunks", async () => {
    const bytes = [...Buffer.from("pässwörd\n")].map((byte) => Buffer.from([byte]));
    expect(await readFirstLine(Readable.from(bytes))).toBe("pässwörd");
  });

  test("refuses a stream without an end", async () => {
    const endless = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(4096, "x");
      })(),
    );
    await expect(readFirstLine(endless)).rejects.toThrow("too long");
  });
});

test("lines come apart as they were put together", async () => {
  const line = fc.string().filter((text) => !/[\r\n]/.test(text));
  await fc.assert(
    fc.asyncProperty(fc.array(line), async (lines) => {
      const text = lines.map((each) => `${each}\n`).join("");
      expect(linesOf(text)).toEqual(lines);
      expect(await readLines(Readable.from([Buffer.from(text)]))).toEqual(lines);
    }),
  );
});
