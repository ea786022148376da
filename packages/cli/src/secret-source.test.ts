import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";

import { linesOf, readFirstLine, readFirstLines, readLines, readSecretFile } from "./secret-source.js";

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

describe("readFirstLines", () => {
  test.each([
    ["one\ntwo\nthree\n", ["one", "two"]],
    ["one\r\ntwo", ["one", "two"]],
    ["one\n", ["one"]],
    ["\ntwo\n", ["", "two"]],
    ["", []],
  ])("two of %j are %j", async (text, lines) => {
    expect(await readFirstLines(Readable.from([text]), 2)).toEqual(lines);
    const bytes = [...Buffer.from(text)].map((byte) => Buffer.from([byte]));
    expect(await readFirstLines(Readable.from(bytes), 2)).toEqual(lines);
  });

  test("waits for the second line, and not for what follows it", async () => {
    const input = new Readable({ read: () => undefined });
    input.push("one\n");
    setTimeout(() => input.push("two\n"), 20);
    expect(await readFirstLines(input, 2)).toEqual(["one", "two"]);
  });

  test("none are there without any input", async () => {
    expect(await readFirstLines(new Readable({ read: () => undefined }), 0)).toEqual([]);
  });
});

describe("bytes that are not UTF-8", () => {
  test("are refused on standard input, in the lines that are wanted", async () => {
    const latin1 = Buffer.from("pässwörd\n", "latin1");
    await expect(readFirstLine(Readable.from([latin1]))).rejects.toThrow("standard input is not UTF-8 text");
    await expect(readLines(Readable.from([Buffer.from("one\n"), latin1]))).rejects.toThrow("not UTF-8");
    const after = Buffer.concat([Buffer.from("one\ntwo\n"), latin1]);
    expect(await readFirstLines(Readable.from([after]), 2)).toEqual(["one", "two"]);
  });

  test("are refused in a file, which is named", async () => {
    const directory = await mkdtemp(join(tmpdir(), "vault-cli-"));
    onTestFinished(() => rm(directory, { recursive: true }));
    const path = join(directory, "password");
    await writeFile(path, Buffer.from("pässwörd\n", "latin1"));
    await expect(readSecretFile(path)).rejects.toThrow(`${path} is not UTF-8 text`);
    await writeFile(path, "pässwörd\n");
    expect(await readSecretFile(path)).toBe("pässwörd\n");
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
