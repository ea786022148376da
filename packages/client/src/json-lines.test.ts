import fc from "fast-check";
import { expect, test } from "vitest";

import { jsonLines } from "./json-lines.js";

async function* streamOf(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  for (const chunk of chunks) {
    await Promise.resolve();
    yield chunk;
  }
}

async function read(chunks: readonly Uint8Array[], maxBytes = 1000): Promise<unknown[]> {
  const values: unknown[] = [];
  for await (const value of jsonLines(streamOf(...chunks), maxBytes)) values.push(value);
  return values;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test("values are read however their lines are cut", async () => {
  const whole = bytes('{"a":"grüße"}\n\n5\r\n"𝄞"\n');
  for (let at = 0; at <= whole.length; at++) {
    expect(await read([whole.subarray(0, at), whole.subarray(at)])).toEqual([{ a: "grüße" }, 5, "𝄞"]);
  }
  expect(await read(Array.from(whole, (byte) => Uint8Array.of(byte)))).toEqual([{ a: "grüße" }, 5, "𝄞"]);
});

test("whatever can be written as JSON comes back", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.jsonValue()), fc.integer({ min: 1, max: 7 }), async (values, size) => {
      const whole = bytes(values.map((value) => `${JSON.stringify(value)}\n`).join(""));
      const count = Math.ceil(whole.length / size);
      const chunks = Array.from({ length: count }, (_, at) => whole.subarray(at * size, (at + 1) * size));
      const written = values.map((value) => JSON.parse(JSON.stringify(value)) as unknown);
      expect(await read(chunks, 1_000_000)).toEqual(written);
    }),
  );
});

test("a last line needs no end", async () => {
  expect(await read([bytes("1\n2")])).toEqual([1, 2]);
});

test("each value is there as soon as its line is whole", async () => {
  const seen: string[] = [];
  async function* slow(): AsyncGenerator<Uint8Array, void, undefined> {
    await Promise.resolve();
    yield bytes('"a"\n"');
    seen.push("asked for more");
    yield bytes('b"\n');
  }
  for await (const value of jsonLines(slow(), 100)) seen.push(String(value));
  expect(seen).toEqual(["a", "asked for more", "b"]);
});

test.each(["{\n", "\nno json", '"a" "b"\n', '{"a":\n1}'])("%j is no answer of a vault", async (text) => {
  await expect(read([bytes(text)])).rejects.toMatchObject({ code: "invalid_answer" });
});

test("a line has its limit, whole or in pieces", async () => {
  expect(await read([bytes('"1234"\n"1234"\n')], 6)).toEqual(["1234", "1234"]);
  await expect(read([bytes('"12345"\n')], 6)).rejects.toMatchObject({ code: "invalid_answer" });
  await expect(read([bytes('"123'), bytes("4567")], 6)).rejects.toMatchObject({ code: "invalid_answer" });
});
