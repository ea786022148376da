import { expect, test } from "vitest";
import { readDer } from "./der-reader.js";

test("elements follow one another, with lengths in one byte or several", () => {
  const long = Buffer.concat([Buffer.of(0x30, 0x82, 0x01, 0x00), Buffer.alloc(256, 7)]);
  expect(readDer(Buffer.concat([Buffer.of(0x05, 0x00, 0x04, 0x02, 1, 2), long]))).toEqual([
    { tag: 0x05, content: Buffer.alloc(0) },
    { tag: 0x04, content: Buffer.of(1, 2) },
    { tag: 0x30, content: Buffer.alloc(256, 7) },
  ]);
});

test.each([
  ["a tag alone", [0x30]],
  ["less than the length says", [0x30, 2, 1]],
  ["a length without its bytes", [0x30, 0x82, 1]],
  ["a length that is not told", [0x30, 0x80, 0, 0]],
  ["a length of five bytes", [0x30, 0x85, 0, 0, 0, 0, 1, 9]],
  ["2 GB", [0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 1]],
])("%s is not read", (_name, bytes) => {
  expect(readDer(Buffer.from(bytes))).toBeUndefined();
});
