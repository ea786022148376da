import { expect, test } from "vitest";
import { BodyReader } from "./body-reader.js";

test("fields are read in their order", () => {
  const reader = new BodyReader(Buffer.from("\xff\xff\xff\xff\xff\xff\xff\xfetext\0\0rest", "latin1"));
  expect([reader.int32(), reader.uint32()]).toEqual([-1, 0xffff_fffe]);
  expect([reader.cstring().toString(), reader.cstring().toString()]).toEqual(["text", ""]);
  expect(() => reader.assertEnd()).toThrow(/more in it/);
  expect(reader.rest().toString()).toBe("rest");
  expect(reader.remaining).toBe(0);
  reader.assertEnd();
});

test.each([
  ["a number", (reader: BodyReader) => reader.int32()],
  ["bytes", (reader: BodyReader) => reader.bytes(4)],
  ["2 GB", (reader: BodyReader) => reader.bytes(0x7fff_ffff)],
  ["a negative number of bytes", (reader: BodyReader) => reader.bytes(-1)],
  ["a string", (reader: BodyReader) => reader.cstring()],
])("%s that is not there is refused", (_name, read) => {
  expect(() => read(new BodyReader(Buffer.from("abc")))).toThrow(/message/);
});
