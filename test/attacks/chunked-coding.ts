const CHUNK_LINE = /^([0-9A-Fa-f]{1,12})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?$/;
const TRAILER_LINE = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*$/;

/** Reads the chunked coding by RFC 9112 §7.1 and nothing more lenient. */
export function decodeChunks(bytes: Buffer): { body: Buffer; length: number } | "malformed" | "incomplete" {
  const pieces: Buffer[] = [];
  let at = 0;
  const line = (): string | undefined => {
    const end = bytes.indexOf("\r\n", at);
    if (end < 0) return undefined;
    const text = bytes.toString("latin1", at, end);
    at = end + 2;
    return text;
  };
  for (;;) {
    const sizeLine = line();
    if (sizeLine === undefined) return "incomplete";
    const hex = CHUNK_LINE.exec(sizeLine)?.[1];
    if (hex === undefined) return "malformed";
    const size = Number.parseInt(hex, 16);
    if (size === 0) break;
    if (bytes.length < at + size + 2) {
      // A line end in the wrong place shows before more has come.
      const behind = bytes.toString("latin1", at + size, at + size + 2);
      return "\r\n".startsWith(behind) ? "incomplete" : "malformed";
    }
    pieces.push(bytes.subarray(at, at + size));
    at += size;
    if (bytes.toString("latin1", at, at + 2) !== "\r\n") return "malformed";
    at += 2;
  }
  for (;;) {
    const trailer = line();
    if (trailer === undefined) return "incomplete";
    if (trailer === "") return { body: Buffer.concat(pieces), length: at };
    if (!TRAILER_LINE.test(trailer)) return "malformed";
  }
}
