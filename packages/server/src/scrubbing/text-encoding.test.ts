import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TextBeginning, textEncodingOf, type TextEncoding } from "./text-encoding.js";

const encodingOf = (...types: string[]) => textEncodingOf(types);

describe("a charset that is built on ASCII", () => {
  test.each([
    ...["utf-8", "UTF-8", "utf8", "utf_8", '"utf-8"', "'utf-8'", "utf8mb4", "utf-8-sig"],
    ...["us-ascii", "ASCII", "ANSI_X3.4-1968", "iso-8859-1", "ISO_8859-15", "iso8859-2", "ISO-8859-8-I"],
    ...["iso_8859-1:1987", "iso-8859-1", "latin1", "Latin-1", "l2", "csISOLatin1"],
    ...["windows-1252", "Windows-1251", "cp1252", "x-cp1250", "win-1251", "windows-31j", "cp932", "cp866"],
    ...["ibm437", "koi8-r", "KOI8-U", "macintosh", "x-mac-roman", "x-mac-cyrillic", "tis-620", "windows-874"],
    ...["gbk", "gb2312", "GB18030", "big5", "Big5-HKSCS", "shift_jis", "Shift-JIS", "sjis", "x-sjis"],
    ...["euc-jp", "EUC-KR", "euc-cn", "x-euc-tw", "ks_c_5601-1987"],
  ])("%s", (charset) => {
    expect(encodingOf(`text/plain; charset=${charset}`)).toBe("named");
    expect(encodingOf(`application/json;a=b ;Charset = ${charset} ; c=d`)).toBe("named");
  });
});

describe("a charset that is not, or may not be", () => {
  test.each([
    ...["utf-16", "UTF_16", "utf16le", "UTF-16BE", "utf-32", "utf-7", "ucs-2", "UCS-4", "iso-10646-ucs-2"],
    ...["unicode", "csunicode", "x-UTF-16LE-BOM", "UnicodeLittle", "u16", "utf 16", "utf 8", "'utf-16'"],
    ...['"utf-16"', '"\\utf-16"', '"\\utf-8"', "utf\t-16", "unicodefeff", '"utf-8', "utf-8\0", "utf-8x"],
    ...[
      "ebcdic-us",
      "ibm037",
      "cp1047",
      "ibm500",
      "cp870",
      "iso-2022-jp",
      "hz-gb-2312",
      "iso-ir-4",
      "unknown",
    ],
    ...["utf-8; charset=utf-16", "utf-8;charset='utf-16'", "utf-8, text/plain; charset=utf-16"],
    ...["utf-8\tcharset=utf-16", "utf-16;charset=utf-8"],
  ])("%j", (charset) => {
    expect(encodingOf(`text/plain; charset=${charset}`)).toBeUndefined();
    expect(encodingOf("text/plain; charset=utf-8", `text/plain; charset=${charset}`)).toBeUndefined();
  });
});

describe("an encoding that is not named", () => {
  test.each([
    ["text/plain", "unnamed"],
    ["application/json; version=2", "unnamed"],
    ["text/plain; charset", "unnamed"],
    ["text/plain; charset=binary", "unnamed"],
    ["text/plain; x-charset=utf-16", "unnamed"],
    ["multipart/mixed; boundary=x", "named"],
    ["application/grpc+json", "named"],
    ["application/connect+json", "named"],
    ["", "unnamed"],
    ["file", "unnamed"],
    ["image/png, text/html", "unnamed"],
  ])("%j: %s", (type, encoding) => {
    expect(encodingOf(type)).toBe(encoding);
  });

  test("of no type or of two", () => {
    expect(encodingOf()).toBe("unnamed");
    expect(encodingOf("image/png", "text/html")).toBe("unnamed");
  });

  test("is found fast in whatever is sent as a type", () => {
    const unit = fc.constantFrom("charset", "=", ";", ",", '"', "'", "\\", " ", "\t", "utf-16", "a");
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 40 }), (parts) => {
        encodingOf(parts.join(""));
        expect(encodingOf(`${parts.join("")}; charset=utf-16`)).toBeUndefined();
      }),
    );
    for (const text of ["charset", ";charset=", " ", ';charset="']) {
      const started = performance.now();
      encodingOf(`text/plain${text.repeat(5000)}`);
      expect(performance.now() - started).toBeLessThan(500);
    }
  });
});

/** Whether the body passes, however it is cut. */
function passes(encoding: TextEncoding, body: Buffer): boolean {
  const outcomes = [1, 3, body.length || 1].map((size) => {
    const beginning = new TextBeginning(encoding);
    for (let at = 0; at < body.length; at += size) {
      if (!beginning.read(body.subarray(at, at + size))) return false;
    }
    return true;
  });
  expect(new Set(outcomes).size).toBe(1);
  return outcomes[0] === true;
}

const utf16 = (text: string) => Buffer.from(text, "utf16le");
const utf32 = (text: string) => Buffer.from(Array.from(text, (c) => [c.charCodeAt(0), 0, 0, 0]).flat());
const swapped = (bytes: Buffer, width: number) =>
  Buffer.concat(
    Array.from({ length: bytes.length / width }, (_, i) =>
      Buffer.from(bytes.subarray(i * width, (i + 1) * width)).reverse(),
    ),
  );
const TEXT = '{"key":"value"}';
const WIDE = [utf16(TEXT), swapped(utf16(TEXT), 2), utf32(TEXT), swapped(utf32(TEXT), 4)];
const MARKED = [
  utf16(`\ufeff${TEXT}`),
  swapped(utf16(`\ufeff${TEXT}`), 2),
  Buffer.concat([Buffer.from([0xff, 0xfe, 0, 0]), utf32(TEXT)]),
  Buffer.concat([Buffer.from([0, 0, 0xfe, 0xff]), swapped(utf32(TEXT), 4)]),
];

describe("the beginning of a body", () => {
  test("shows text of two or four bytes a character where none is named", () => {
    for (const body of WIDE) {
      expect(passes("unnamed", body)).toBe(false);
      expect(passes("named", body)).toBe(true);
    }
  });

  test("shows a byte order mark whatever is named", () => {
    for (const body of MARKED) {
      for (const encoding of ["named", "unnamed"] as const) expect(passes(encoding, body)).toBe(false);
    }
  });

  test("of ordinary text passes, that of UTF-8 with its mark too", () => {
    for (const encoding of ["named", "unnamed"] as const) {
      for (const text of [TEXT, `\ufeff${TEXT}`, "", "a", "Ж", "ÿþ"])
        expect(passes(encoding, Buffer.from(text))).toBe(true);
      expect(passes(encoding, Buffer.concat([Buffer.alloc(64, "a"), utf16(TEXT)]))).toBe(true);
    }
  });

  test.each([
    ["PNG", "89504e470d0a1a0a0000000d49484452"],
    ["ZIP", "504b0304140000000800"],
    ["gzip", "1f8b0800000000000003"],
    ["MP4", "0000002066747970"],
    ["ICO", "00000100010010100000"],
    ["wasm", "0061736d01000000"],
    ["JPEG", "ffd8ffe000104a464946"],
    ["ELF", "7f454c4602010100"],
    ["gRPC", "000000000548656c6c6f"],
    ["a NUL", "00"],
    ["text with a NUL in it", "6162630064656667"],
  ])("of %s without a type, or with a wrong one, passes", (_name, hex) => {
    expect(passes("unnamed", Buffer.from(hex, "hex"))).toBe(true);
  });
});
