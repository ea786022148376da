import fc from "fast-check";
import { serialize } from "pg-protocol";
import { describe, expect, test } from "vitest";
import { POSTGRES_LIMITS } from "./limits.js";
import { int32 } from "./message.js";
import {
  cancelRequest,
  parseStartupPacket,
  SSL_REQUEST,
  startupMessage,
  type StartupMessage,
} from "./startup-packet.js";
import { isFoundWhole, neverBreaks } from "./testing/broken-input.js";

const byte = (): fc.Arbitrary<number> => fc.integer({ min: 1, max: 255 });
const text = (minLength: number): fc.Arbitrary<Buffer> =>
  fc.array(byte(), { minLength, maxLength: 20 }).map((bytes) => Buffer.from(bytes));
const startups: fc.Arbitrary<StartupMessage> = fc.record({
  minorVersion: fc.nat(0xffff),
  parameters: fc.array(fc.record({ name: text(1).map((name) => name.toString("latin1")), value: text(0) }), {
    maxLength: 10,
  }),
});
const parsed = (bytes: Buffer): unknown => parseStartupPacket(bytes)?.value;
const packet = (code: number, body = Buffer.alloc(0)): Buffer =>
  Buffer.concat([int32(8 + body.length), int32(code), body]);

describe("a StartupMessage", () => {
  test("is found when its last byte has come, with every byte of its parameters", () => {
    fc.assert(
      fc.property(startups, (message) => {
        expect(isFoundWhole(parseStartupPacket, startupMessage(message))).toEqual({
          kind: "startup",
          ...message,
        });
      }),
    );
  });

  test("is as node-postgres writes it", () => {
    const parameters = { user: "ünser", database: "db", client_encoding: "UTF8" };
    const written = serialize.startup({ user: "ünser", database: "db" });
    expect(
      startupMessage({
        minorVersion: 0,
        parameters: Object.entries(parameters).map(([name, value]) => ({ name, value: Buffer.from(value) })),
      }),
    ).toEqual(written);
  });

  test.each([
    ["without the end of its list", Buffer.from("user\0x\0")],
    ["with nothing in it", Buffer.alloc(0)],
    ["with a name alone", Buffer.from("user\0")],
    ["with a name that has no end", Buffer.from("user")],
    ["with something behind its end", Buffer.from("user\0x\0\0more")],
  ])("%s is refused", (_name, body) => {
    expect(() => parsed(packet(0x3_0000, body))).toThrow(/a (string in a )?message has/);
  });

  test.each([0x2_0000, 0x4_0000, 0, 0xffff_ffff])("of version %i is not read", (version) => {
    expect(parsed(packet(version, Buffer.from("anything")))).toEqual({ kind: "other_version" });
  });
});

describe("what comes before it", () => {
  test("the requests for TLS and GSSAPI are found", () => {
    expect(SSL_REQUEST).toEqual(serialize.requestSsl());
    expect(isFoundWhole(parseStartupPacket, SSL_REQUEST)).toEqual({ kind: "encryption_request" });
    expect(isFoundWhole(parseStartupPacket, packet(80_877_104))).toEqual({ kind: "encryption_request" });
    expect(() => parsed(packet(80_877_103, Buffer.of(0)))).toThrow(/more in it/);
  });

  test("a TLS ClientHello is found by its first bytes", () => {
    expect(parseStartupPacket(Buffer.of(0x16))).toBeUndefined();
    expect(parsed(Buffer.of(0x16, 3))).toEqual({ kind: "tls" });
  });

  test.each(["GET / HTTP/1.1\r\n", "HELO", "\0\0\0\0", "\0\0\0\x07", "\xff\xff\xff\xff", "\0\0\x27\x11"])(
    "%j is refused by its first four bytes",
    (bytes) => {
      expect(() => parsed(Buffer.from(bytes, "latin1"))).toThrow(/impossible length/);
    },
  );

  test("a packet of as many bytes as the server takes is waited for", () => {
    expect(parseStartupPacket(int32(POSTGRES_LIMITS.startupPacketBytes))).toBeUndefined();
    expect(() => parseStartupPacket(int32(POSTGRES_LIMITS.startupPacketBytes + 1))).toThrow();
  });
});

describe("a CancelRequest", () => {
  test("is as node-postgres writes it", () => {
    const request = { processId: 4711, key: int32(123_456) };
    expect(cancelRequest(request)).toEqual(serialize.cancel(4711, 123_456));
    expect(isFoundWhole(parseStartupPacket, cancelRequest(request))).toEqual({ kind: "cancel", ...request });
  });

  test.each([1, 32, 256])("may have a key of %i bytes, as of protocol 3.2", (length) => {
    const request = { processId: 0xffff_ffff, key: Buffer.alloc(length, 7) };
    expect(parsed(cancelRequest(request))).toEqual({ kind: "cancel", ...request });
  });

  test.each([0, 257])("with a key of %i bytes is refused", (length) => {
    expect(() => parsed(cancelRequest({ processId: 1, key: Buffer.alloc(length) }))).toThrow(
      /impossible length/,
    );
  });
});

test("what hostile clients begin with breaks nothing", () => {
  neverBreaks(
    parseStartupPacket,
    startupMessage({ minorVersion: 0, parameters: [{ name: "user", value: Buffer.from("x") }] }),
  );
  neverBreaks(parseStartupPacket, cancelRequest({ processId: 1, key: int32(2) }));
});
