import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolViolation } from "../../wire/protocol-violation.js";
import { readCommand, serializeCommand, type CommandRead } from "./command.js";
import { REDIS_LIMITS } from "./limits.js";

const read = (text: string): CommandRead | undefined => readCommand(Buffer.from(text, "latin1"));
const bulk = (text: string): string => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
const command = (name: string, args: string[], length: number): CommandRead => ({
  kind: "command",
  command: { name, args: args.map((arg) => Buffer.from(arg, "latin1")) },
  length,
});

const words = fc
  .array(
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    { minLength: 1, maxLength: 16 },
  )
  .map((list) => [Buffer.from("set"), ...list.slice(1)]);

describe("a command", () => {
  test("is an array of bulk strings, its name in any letters", () => {
    expect(read("*2\r\n$4\r\naUtH\r\n$5\r\n\r\n\0 \xff\r\n*1\r\n")).toEqual(
      command("AUTH", ["\r\n\0 \xff"], 25),
    );
  });

  test.each([
    ["auth x\r\n", command("AUTH", ["x"], 8)],
    ["auth x\n", command("AUTH", ["x"], 7)],
    ['AUTH "a b" c\r\nPING\r\n', command("AUTH", ["a b", "c"], 14)],
  ])("is a line too: %j", (text, expected) => {
    expect(read(text)).toEqual(expected);
  });

  test.each([
    ["\r\n", 2],
    ["\n", 1],
    ["  \r\nPING\r\n", 4],
    ["*0\r\n", 4],
    ["*-1\r\n", 5],
  ])("%j is none, and gets no answer", (text, length) => {
    expect(read(text)).toEqual({ kind: "blank", length });
  });

  test("that is written is read again, at every split", () => {
    fc.assert(
      fc.property(words, fc.uint8Array({ maxLength: 10 }), (list, behind) => {
        const bytes = serializeCommand(...list);
        for (let end = 0; end < bytes.length; end += 1)
          expect(readCommand(bytes.subarray(0, end))).toBeUndefined();
        expect(readCommand(Buffer.concat([bytes, behind]))).toEqual({
          kind: "command",
          command: { name: "SET", args: list.slice(1) },
          length: bytes.length,
        });
      }),
    );
  });

  test.each(["auth 'a b' c\r\n", "ping\n", "\r\n"])("the line %j is read at every split", (text) => {
    for (let end = 0; end < text.length; end += 1) expect(read(text.slice(0, end))).toBeUndefined();
    expect(read(text)).toMatchObject({ length: text.length });
  });

  test.each([
    "*x\r\n",
    "*+1\r\n",
    "*01\r\n",
    "*1\n$4\r\nPING\r\n",
    "*1\rx",
    "*\r\n",
    "*-2\r\n",
    "*12345678901",
    "*1\r\n:4\r\n",
    "*1\r\n$x\r\n",
    "*1\r\n$-1\r\n",
    "*1\r\n$4\r\nPINGxx",
    "*1\r\n$4\r\nPING\rx",
    '"open\r\n',
  ])("%j is not looked into", (text) => {
    expect(read(text)).toEqual({ kind: "opaque" });
  });

  test.each(["\x16", "\x16\x03\x01\x02\x00\x01"])("a TLS handshake is refused at its first byte", (text) => {
    expect(() => read(text)).toThrow(ProtocolViolation);
  });

  test.each([
    "POST / HTTP/1.1\r\n",
    "post\r\n",
    "Host: 127.0.0.1:6379\r\n",
    "GET / HTTP/1.1\r\n",
    "OPTIONS * HTTP/1.0\r\n",
    "PRI * HTTP/2.0\r\n",
  ])("cross-protocol scripting: %j, as a web page can send it, is refused", (text) => {
    expect(() => read(text)).toThrow(new ProtocolViolation("an HTTP request came"));
  });

  test("of any bytes is read or not, and nothing is thrown but a violation", () => {
    const piece = fc.oneof(
      fc.constantFrom(
        "*",
        "$",
        "\r\n",
        "\n",
        "1",
        "3",
        "-1",
        "AUTH",
        '"',
        "'",
        "\\x",
        " ",
        "\0",
        "99999999999",
      ),
      fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const bytes = Buffer.from(pieces.join(""), "latin1");
        try {
          const result = readCommand(bytes);
          if (result !== undefined && result.kind !== "opaque") {
            expect(result.length).toBeGreaterThan(0);
            expect(result.length).toBeLessThanOrEqual(bytes.length);
            // What is decided is decided, whatever comes behind it.
            expect(readCommand(Buffer.concat([bytes, Buffer.from("x")]))).toEqual(result);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolViolation);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("that one byte of was changed is read or not, and nothing is thrown but a violation", () => {
    const original = serializeCommand("HELLO", "3", "AUTH", "user", "password", "SETNAME", "name");
    for (let at = 0; at < original.length; at += 1) {
      for (let value = 0; value < 256; value += 1) {
        const bytes = Buffer.from(original);
        bytes[at] = value;
        try {
          readCommand(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolViolation);
        }
      }
    }
  });
});

describe("limits of a command", () => {
  const { commandArguments, argumentBytes, commandBytes } = REDIS_LIMITS;

  test("commandArguments: more are not looked into, and not waited for", () => {
    const most = serializeCommand(...Array<string>(commandArguments).fill("a"));
    expect(readCommand(most)).toMatchObject({ kind: "command", length: most.length });
    expect(read(`*${commandArguments + 1}\r\n`)).toEqual({ kind: "opaque" });
    expect(read("*9999999999\r\n")).toEqual({ kind: "opaque" });
  });

  test("argumentBytes: a longer one is not looked into, and not waited for", () => {
    const longest = serializeCommand("AUTH", "a".repeat(argumentBytes));
    expect(readCommand(longest)).toMatchObject({ kind: "command", length: longest.length });
    expect(read(`*2\r\n${bulk("AUTH")}$${argumentBytes + 1}\r\n`)).toEqual({ kind: "opaque" });
    expect(read(`*2\r\n${bulk("AUTH")}$9999999999\r\n`)).toEqual({ kind: "opaque" });
  });

  test("commandBytes: a larger array is not looked into", () => {
    const four = serializeCommand("AUTH", ...Array<string>(4).fill("a".repeat(argumentBytes)));
    expect(four.length).toBeGreaterThan(commandBytes);
    expect(readCommand(four)).toEqual({ kind: "opaque" });
  });

  test("commandBytes: a longer line is not looked into, with or without its end", () => {
    const line = "a".repeat(commandBytes - 2);
    expect(read(`${line}\r\n`)).toMatchObject({ length: commandBytes });
    expect(read(`${line}aa`)).toBeUndefined();
    expect(read(`${line}aaa`)).toEqual({ kind: "opaque" });
    expect(read(`${line}a\r\n`)).toEqual({ kind: "opaque" });
  });
});
