import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { formBoundary, readFormParts } from "./form-parts.js";

const BOUNDARY = "b0";

type Part = readonly [name: string, content: Buffer];

const formOf = (parts: readonly Part[], end = `--${BOUNDARY}--\r\n`): Buffer =>
  Buffer.concat([
    ...parts.map(([name, content]) =>
      Buffer.concat([
        Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n`),
        content,
        Buffer.from("\r\n"),
      ]),
    ),
    Buffer.from(end),
  ]);

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) {
    yield await Promise.resolve(bytes.subarray(start, start + size));
  }
}

async function read(body: AsyncIterable<Uint8Array>, boundary = BOUNDARY): Promise<Part[]> {
  const parts: Part[] = [];
  for await (const { name, content } of readFormParts(body, boundary)) {
    const chunks: Buffer[] = [];
    for await (const chunk of content) chunks.push(chunk);
    parts.push([name, Buffer.concat(chunks)]);
  }
  return parts;
}

/** Contents that look like boundaries, nearly. */
const content = fc
  .array(fc.constantFrom("\r", "\n", "-", "--", "b0", "b", "\r\n--b", "\r\n--", "x", "\0"), { maxLength: 30 })
  .map((pieces) => Buffer.from(pieces.join("")))
  .filter((bytes) => !Buffer.concat([Buffer.from("\r\n"), bytes]).includes(`\r\n--${BOUNDARY}`));

describe("a form that is read as it comes", () => {
  test("gives each part, however it is split", async () => {
    const contents = fc.array(content, { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(contents, fc.integer({ min: 1, max: 40 }), async (list, size) => {
        const parts = list.map((bytes, index): Part => [`p${index}`, bytes]);
        expect(await read(inPieces(formOf(parts), size))).toEqual(parts);
      }),
    );
  });

  test("that is cut off anywhere is refused", async () => {
    const whole = formOf([
      ["a", Buffer.from("text")],
      ["b", Buffer.from("more\r\n--b")],
    ]);
    // Without the line's end after the last boundary it is whole.
    for (let length = 0; length < whole.length - "\r\n".length; length += 1) {
      await expect(read(inPieces(whole.subarray(0, length), 7))).rejects.toThrow(VaultProxyError);
    }
    expect(await read(inPieces(whole.subarray(0, -2), 7))).toHaveLength(2);
  });

  test.each([
    [
      "something before the first part",
      Buffer.concat([Buffer.from("x\r\n"), formOf([["a", Buffer.from("b")]])]),
    ],
    ["something after the last", Buffer.concat([formOf([["a", Buffer.from("b")]]), Buffer.from("x")])],
    ["a boundary that goes on", formOf([["a", Buffer.from("x\r\n--b0x")]])],
    ["endless headers", formOf([[`a"\r\nX: ${"x".repeat(10_000)}\r\nY: "`, Buffer.from("x")]])],
  ])("is refused with %s", async (_, body) => {
    await expect(read(inPieces(body, 1000))).rejects.toThrow(VaultProxyError);
  });

  test("asks for no more than what is read", async () => {
    let given = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield formOf(
        [["a", Buffer.from("x")]],
        `--${BOUNDARY}\r\nContent-Disposition: form-data; name="b"\r\n\r\n`,
      );
      for (;;) {
        given += 1;
        yield await Promise.resolve(Buffer.alloc(1000));
      }
    }
    const parts = readFormParts(endless(), BOUNDARY);
    const first = await parts.next();
    if (first.done !== true)
      for await (const chunk of first.value.content) expect(chunk.toString()).toBe("x");
    const second = await parts.next();
    if (second.done !== true) await second.value.content.next();
    expect(given).toBeLessThanOrEqual(1);
  });

  test("passes on what broke its body off", async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(formOf([["a", Buffer.from("x")]]).subarray(0, 60));
      throw new Error("gone");
    }
    await expect(read(broken())).rejects.toThrow("gone");
  });
});

describe("a form's boundary", () => {
  test.each([
    ["multipart/form-data; boundary=abc", "abc"],
    ['Multipart/Form-Data; charset=utf-8; boundary="a b\'c"', "a b'c"],
  ])("is read from %s", (type, boundary) => expect(formBoundary(type)).toBe(boundary));

  test.each([
    [undefined, "unsupported_media_type"],
    ["application/json", "unsupported_media_type"],
    ["multipart/form-data", "invalid_request"],
    [`multipart/form-data; boundary=${"x".repeat(71)}`, "invalid_request"],
    ['multipart/form-data; boundary="a "', "invalid_request"],
    ['multipart/form-data; boundary="a\\"b"', "invalid_request"],
  ])("is missed in %s", (type, code) => {
    expect(() => formBoundary(type)).toThrow(expect.objectContaining({ code }) as Error);
  });
});
