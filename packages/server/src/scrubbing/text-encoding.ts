import { readMediaType } from "./textual-content.js";

/** Whether the head of an answer names the encoding of its text. Where it does not, it may be no text at all. */
export type TextEncoding = "named" | "unnamed";

/**
 * How far a body is looked at to see in which encoding it is: as many bytes as four characters of UTF-16, or two of
 * UTF-32, have.
 */
const SNIFFED_BYTES = 8;

/**
 * Encodings in which ASCII characters are the bytes of ASCII, without what stands between letters and digits: those of
 * the WHATWG Encoding Standard §4.2 that are, and other names of the same in use. Not ISO-2022 and HZ, where a
 * character may be written with changes of state in it.
 */
const ASCII_BASED = new RegExp(
  `^(?:${[
    "(?:unicode11|unicode20|x)?utf8(?:mb[34]|sig|n)?",
    "us|(?:us)?ascii|ansix34(?:1968|1986)|iso646(?:us|irv1991)",
    "(?:cs|x)?(?:iso)?latin(?:[1-9]|10)|l(?:[1-9]|10)|iso(?:ir(?:58|1(?:0[019]|10|26|27|38|4[489]|57))|8859\\d{1,2}[ei]?(?:19\\d\\d|20\\d\\d)?)",
    "csiso8859\\d{1,2}[ei]?|csisolatin(?:\\d|arabic|cyrillic|greek|hebrew)|arabic|cyrillic|greek8?|hebrew|visual|logical",
    "(?:x?cp|windows|win|ms)(?:125\\d|874|932|936|949|950|31j)|(?:x?cp|ibm|csibm)(?:437|8[56]\\d)|dos(?:720|862|874)",
    "(?:cs)?koi8?(?:r|u|t|ru)?|macintosh|csmacintosh|mac|xmac[a-z]*|mac(?:roman|cyrillic|ukraine|centraleurope)",
    "(?:x|cs)?gbk|(?:cs)?gb2312(?:80)?|csiso58gb231280|chinese|gb18030(?:20\\d\\d)?",
    "(?:x?x|cn|cs)?big5(?:hkscs|eten)?|(?:x|cs)?s(?:hift)?jis(?:2004|x0213)?|mskanji",
    "(?:x|cs)?euc(?:jp|kr|cn|tw|jpms)|cseucpkdfmtjapanese|korean|ksc5601(?:19\\d\\d)?|uhc",
    "tis620|armscii8|georgianps|tscii|viscii|tcvn|hproman8|roman8|xuserdefined",
    // said of what has none
    "|binary|none|7bit|8bit",
  ].join("|")})$`,
);

const NOTHING = Buffer.alloc(0);

/** Messages with binary lengths between them: gRPC's and Connect's of JSON. */
const FRAMED_SUBTYPE = /^(?:grpc|connect)\b/;

/** Where a charset parameter may begin in whatever a server sends as Content-Type, in lower case. */
const CHARSET = /(?<=^|[;,\s"'])charset\s*(?:=\s*|(?=[;,]|$))/g;
const CHARSET_VALUE = /^(?:"([^"\\]*)"|'([^']*)'|([^\s;,"'\\]*))\s*(?:[;,]|$)/;

/** The charsets that a Content-Type names, folded; undefined for one that cannot be read. */
function charsetsOf(contentType: string): (string | undefined)[] {
  const lower = contentType.toLowerCase();
  if (!lower.includes("charset")) return [];
  return Array.from(lower.matchAll(CHARSET), ({ 0: matched, index }) => {
    const match = CHARSET_VALUE.exec(lower.slice(index + matched.length).trimStart());
    const value = match?.[1] ?? match?.[2] ?? match?.[3];
    return value?.replace(/[\s()._:-]+/g, "");
  });
}

/**
 * What the Content-Type fields of a textual body say of its encoding.
 * @returns undefined if that is, or may be, one in which a secret's characters are other bytes than in ASCII
 */
export function textEncodingOf(contentTypes: readonly string[]): TextEncoding | undefined {
  const charsets = contentTypes.flatMap(charsetsOf);
  if (!charsets.every((charset) => charset !== undefined && ASCII_BASED.test(charset))) return undefined;
  if (charsets.some((charset) => charset !== "" && charset !== "binary")) return "named";
  const [only, ...others] = contentTypes;
  const mediaType = others.length > 0 ? undefined : readMediaType(only);
  if (mediaType === undefined) return "unnamed";
  // What stands between the parts or messages is no text of theirs.
  return mediaType.type === "multipart" || FRAMED_SUBTYPE.test(mediaType.subtype) ? "named" : "unnamed";
}

/**
 * Whether a body that begins so may be text in an encoding built on ASCII. A byte order mark of another (Unicode 16.0
 * §23.8) counts whatever the type says, as it does for browsers. NUL alone does not: many servers call whatever they do
 * not know text/plain.
 */
function mayBeginAscii(encoding: TextEncoding, start: Uint8Array): boolean {
  const [a, b, c, d] = start;
  if ((a === 0xfe && b === 0xff) || (a === 0xff && b === 0xfe)) return false;
  if (a === 0 && b === 0 && c === 0xfe && d === 0xff) return false;
  return encoding === "named" || !isWideAscii(start);
}

/** Whether ASCII characters of two or four bytes each come first, which a reader of JSON may see through. */
function isWideAscii(start: Uint8Array): boolean {
  if (start.length < SNIFFED_BYTES) return false;
  return [2, 4].some((width) => isWideAsciiAt(start, width, 0) || isWideAsciiAt(start, width, width - 1));
}

/** @param place of the one byte in each `width` that is not NUL */
function isWideAsciiAt(start: Uint8Array, width: number, place: number): boolean {
  for (let index = 0; index < start.length; index += 1) {
    const byte = start[index] ?? 0;
    if (index % width === place ? !isAsciiText(byte) : byte !== 0) return false;
  }
  return true;
}

function isAsciiText(byte: number): boolean {
  return (byte >= 0x20 && byte < 0x7f) || byte === 0x09 || byte === 0x0a || byte === 0x0d;
}

/** Looks at the beginning of a body that comes in pieces. */
export class TextBeginning {
  readonly #encoding: TextEncoding;
  #start: Buffer = NOTHING;

  constructor(encoding: TextEncoding) {
    this.#encoding = encoding;
  }

  /** Takes the next piece. @returns false if the body is in an encoding that cannot be searched */
  read(piece: Buffer): boolean {
    const missing = SNIFFED_BYTES - this.#start.length;
    if (missing === 0) return true;
    // Nearly always all of it comes at once. A copy: the piece is overwritten where a secret is found in it.
    this.#start =
      missing === SNIFFED_BYTES
        ? Buffer.from(piece.subarray(0, missing))
        : Buffer.concat([this.#start, piece.subarray(0, missing)]);
    return mayBeginAscii(this.#encoding, this.#start);
  }
}
