import { PassThrough } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";
import { expect, test } from "vitest";
import type { PartialMatch } from "../scrubbing/partial-match.js";
import { compilePatterns } from "../scrubbing/secret-matcher.js";
import { ScrubbedOutput } from "./scrubbed-output.js";

const SECRET = "s3cret-0123456789";

function setUp() {
  const output = new PassThrough();
  const partial: PartialMatch[] = [];
  let matcher = compilePatterns([Buffer.from(SECRET)]);
  const scrubbed = new ScrubbedOutput(output, () => matcher, {
    edges: false,
    onPartialMatch: (match) => partial.push(match),
  });
  const written = (): string => ((output.read() as Buffer | null) ?? Buffer.alloc(0)).toString();
  const searchFor = (...patterns: string[]): void => {
    matcher = compilePatterns(patterns.map((pattern) => Buffer.from(pattern)));
  };
  return { output, partial, scrubbed, written, searchFor };
}

test("what could be the start of a secret waits, and up to 4 bytes of it leave after a silence", async () => {
  const { scrubbed, written } = setUp();
  scrubbed.write(Buffer.from(`data: ${SECRET.slice(0, 3)}`));
  expect(written()).toBe("data: ");
  await wait(60);
  expect(written()).toBe(SECRET.slice(0, 3));
  scrubbed.write(Buffer.from(`${SECRET.slice(3)}.`));
  expect(written()).toBe(`${"*".repeat(SECRET.length - 3)}.`);
  scrubbed.write(Buffer.from(SECRET.slice(0, 10)));
  await wait(60);
  expect(written()).toBe("");
  scrubbed.finish();
  expect(written()).toBe(SECRET.slice(0, 10));
});

test("the silence begins anew with every piece", async () => {
  const { scrubbed, written } = setUp();
  scrubbed.write(Buffer.from("s"));
  await wait(12);
  scrubbed.write(Buffer.from("3"));
  await wait(12);
  expect(written()).toBe("");
  await wait(40);
  expect(written()).toBe("s3");
});

test("nothing is written after it was abandoned or finished", async () => {
  for (const end of ["abandon", "finish"] as const) {
    const { output, scrubbed, written } = setUp();
    scrubbed.write(Buffer.from("s3"));
    scrubbed[end]();
    written();
    output.end();
    await wait(60);
    expect(written()).toBe("");
  }
});

test("a full output is told, an empty piece is not", () => {
  const { output, scrubbed } = setUp();
  expect(scrubbed.write(Buffer.from("s3"))).toBe(true);
  expect(scrubbed.write(Buffer.alloc(output.writableHighWaterMark, "x"))).toBe(false);
});

test("what is searched for may change between two pieces, and within a secret", () => {
  const { scrubbed, written, searchFor } = setUp();
  scrubbed.write(Buffer.from(`new-token-1 ${SECRET.slice(0, 9)}`));
  searchFor(SECRET, "new-token-1");
  scrubbed.write(Buffer.from(`${SECRET.slice(9)} new-token-1 ${SECRET.slice(0, 5)}`));
  expect(written()).toBe(`new-token-1 ${"*".repeat(SECRET.length)} ${"*".repeat(11)} `);
  searchFor(SECRET.slice(0, 4));
  scrubbed.finish();
  expect(written()).toBe(`****${SECRET.slice(4, 5)}`);
});

test("a part of a secret that waited and was none is told, also where the caller goes away before that shows", () => {
  const { scrubbed, partial } = setUp();
  scrubbed.write(Buffer.from(`a ${SECRET.slice(0, 12)}`));
  expect(partial).toEqual([]);
  scrubbed.write(Buffer.from("?"));
  expect(partial).toEqual([{ at: "inside", length: 12 }]);
  scrubbed.write(Buffer.from(SECRET.slice(0, 13)));
  scrubbed.abandon();
  scrubbed.abandon();
  expect(partial.slice(1)).toEqual([{ at: "inside", length: 13 }]);
});

test("a part of a secret at the very end is told, a whole one in pieces is not", () => {
  const { scrubbed, partial } = setUp();
  for (const at of [3, 12, 15]) {
    scrubbed.write(Buffer.from(SECRET.slice(0, at)));
    scrubbed.write(Buffer.from(SECRET.slice(at)));
  }
  expect(partial).toEqual([]);
  scrubbed.write(Buffer.from(SECRET.slice(0, 10)));
  scrubbed.finish();
  expect(partial).toEqual([{ at: "inside", length: 10 }]);
});
