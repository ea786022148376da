import { createHash } from "node:crypto";
import * as zlib from "node:zlib";
import { base64, join, mark, plain, slice, type Encode, type MarkedText } from "./marked-text.js";

/** A request as it reached the upstream, credential included. */
export interface Received {
  readonly target: string;
  readonly head: string;
  /** The credential as it was sent and, decoded, as it is; longest first. */
  readonly needles: readonly string[];
}

/** How an upstream writes: bytes, and silences in milliseconds between them. */
export type Writes = readonly (Buffer | number)[];

/** What the upstream does with a request, and what the caller is to see of it. */
export interface EchoAnswer {
  readonly writes: Writes;
  /** Closes the connection behind the last write. */
  readonly closes?: boolean;
  readonly expected: {
    readonly status: number;
    readonly reason?: MarkedText;
    readonly fields?: readonly (readonly [name: MarkedText, value: MarkedText])[];
    readonly trailers?: readonly (readonly [name: MarkedText, value: MarkedText])[];
    readonly interim?: readonly (readonly [name: MarkedText, value: MarkedText])[];
    /** Undefined if the vault answers by itself. */
    readonly body?: MarkedText;
    /** The transfer must break off instead of ending. */
    readonly isBroken?: boolean;
  };
}

export interface EchoForm {
  readonly name: string;
  readonly method?: "HEAD";
  /** Request fields beside the usual ones. */
  readonly requestFields?: readonly string[];
  readonly answer: (received: Received) => EchoAnswer;
}

/** Silence after which the vault lets go of what it held back, with room to spare. */
const LONG_SILENCE_MS = 30;

const echoOf = ({ head, needles }: Received, encode?: Encode, charset?: "utf8" | "latin1"): MarkedText =>
  mark(`${head}\r\nknown as: ${needles.join(" and ")}.`, needles, encode, charset);

const CRLF = "\r\n";
const statusLine = "HTTP/1.1 200 OK";

const head = (...lines: readonly string[]): Buffer => Buffer.from([...lines, "", ""].join(CRLF), "latin1");
const typeField = (type: string | undefined): string[] =>
  type === undefined ? [] : [`Content-Type: ${type}`];

function withLength(type: string | undefined, body: MarkedText, status = 200): EchoAnswer {
  const lines = [`HTTP/1.1 ${status} As It Is`, ...typeField(type), `Content-Length: ${body.bytes.length}`];
  return { writes: [head(...lines), body.bytes], expected: { status, body } };
}

const chunk = (data: Buffer): Buffer =>
  Buffer.concat([Buffer.from(data.length.toString(16) + CRLF), data, Buffer.from(CRLF)]);
const LAST_CHUNK = Buffer.from("0\r\n\r\n");
const eachByte = (data: Buffer): Buffer[] => Array.from(data, (byte) => Buffer.from([byte]));

const json = (text: string): string => JSON.stringify(text).slice(1, -1);
const unicodeEscapes = (text: string): string =>
  text.replace(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
const asciiJson = (text: string): string => json(text).replace(/[^\0-\x7f]/g, unicodeEscapes);
const html = (text: string): string =>
  text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
const xml = (text: string): string => html(text).replaceAll("&#39;", "&apos;");
const formValue = (text: string): string => new URLSearchParams({ a: text }).toString().slice(2);
const percent = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
const lowerPercent = (text: string): string =>
  percent(text).replace(/%../g, (escape) => escape.toLowerCase());

/** Bodies that are texts: how the echo is written, what stands around it, and what it is said to be. */
const TEXTS: readonly [
  name: string,
  type: string | undefined,
  encode: Encode,
  before: string,
  after: string,
][] = [
  ["plain text", "text/plain", (text) => text, "", ""],
  ["JSON", "application/json", json, '{"received":"', '","ok":true}'],
  ["pretty JSON", "application/json; charset=utf-8", json, '{\n  "headers": [\n    "', '"\n  ]\n}\n'],
  [
    "JSON in a JSON string",
    "application/json",
    (text) => json(json(text)),
    '{"data":"{\\"got\\":\\"',
    '\\"}"}',
  ],
  ["JSON, all of it as \\u", "application/vnd.api+json", unicodeEscapes, '["', '"]'],
  ["JSON in ASCII", "application/problem+json", asciiJson, '["', '"]'],
  ["HTML", "text/html; charset=utf-8", html, "<p>You sent</p><pre>", "</pre>"],
  ["XML", "application/xml", xml, '<?xml version="1.0"?><echo what="', '"/>'],
  ["SOAP", "application/soap+xml", xml, "<Envelope><Fault>", "</Fault></Envelope>"],
  ["a form", "application/x-www-form-urlencoded", formValue, "a=1&got=", "&b=2"],
  ["percent-encoding", "text/plain", percent, "got=", "."],
  ["percent-encoding in lower case", "text/plain", lowerPercent, "got=", "."],
  ["NDJSON", "application/x-ndjson", json, '{"n":1}\n{"got":"', '"}\n{"n":2}\n'],
  ["one event", "text/event-stream", json, 'event: echo\ndata: {"got":"', '"}\n\n'],
  ["JavaScript", "text/javascript", json, 'callback("', '");'],
  ["YAML", "application/yaml", json, 'got: "', '"\n'],
  ["no Content-Type", undefined, (text) => text, "", ""],
  ["a Content-Type that is none", "json", json, '"', '"'],
  ["a Content-Type in odd case", "aPPlicaTion/JSON;CHARSET=utf-8", json, '"', '"'],
  ["a wrong Content-Type", "Text/CSS", json, '{"got":"', '"}'],
  [
    "multipart",
    'multipart/form-data; boundary="b0"',
    (text) => text,
    '--b0\r\nContent-Disposition: form-data; name="got"\r\n\r\n',
    "\r\n--b0--\r\n",
  ],
];

const textForms: readonly EchoForm[] = TEXTS.map(([name, type, encode, before, after]) => ({
  name,
  answer: (received) => withLength(type, join(plain(before), echoOf(received, encode), plain(after))),
}));

const base64Forms: readonly EchoForm[] = ([0, 1, 2] as const).flatMap((alignment) =>
  (["base64", "base64url"] as const).map((alphabet) => ({
    name: `${alphabet}, moved by ${alignment}`,
    answer: (received: Received) =>
      withLength(
        "application/json",
        join(plain('"'), base64(join(plain("x".repeat(alignment)), echoOf(received)), alphabet), plain('"')),
      ),
  })),
);

/** Writes at every byte, with a silence in the middle of each secret and once every hundred bytes. */
function slowly(text: MarkedText, wire: (byte: Buffer) => Buffer): (Buffer | number)[] {
  let run = 0;
  return eachByte(text.bytes).flatMap((byte, index) => {
    run = text.mask[index] === 0 ? 0 : run + 1;
    const isSilent = run === 3 || run === 9 || run === 30;
    return isSilent ? [wire(byte), LONG_SILENCE_MS] : [wire(byte)];
  });
}

const framings: readonly EchoForm[] = [
  {
    name: "one chunk",
    answer: (received) => {
      const body = echoOf(received);
      const lines = [statusLine, "Content-Type: text/plain", "Transfer-Encoding: chunked"];
      return { writes: [head(...lines), chunk(body.bytes), LAST_CHUNK], expected: { status: 200, body } };
    },
  },
  {
    name: "a chunk for every byte",
    answer: (received) => {
      const body = echoOf(received);
      const lines = [statusLine, "Content-Type: text/plain", "Transfer-Encoding: chunked"];
      return {
        writes: [head(...lines), ...eachByte(body.bytes).map(chunk), LAST_CHUNK],
        expected: { status: 200, body },
      };
    },
  },
  {
    name: "a chunk for every byte, all in one write",
    answer: (received) => {
      const body = echoOf(received);
      const lines = [statusLine, "Content-Type: text/plain", "Transfer-Encoding: chunked"];
      const all = [head(...lines), ...eachByte(body.bytes).map(chunk), LAST_CHUNK];
      return { writes: [Buffer.concat(all)], expected: { status: 200, body } };
    },
  },
  {
    name: "a chunk for every byte, with silences",
    answer: (received) => {
      const body = echoOf(received);
      const lines = [statusLine, "Content-Type: text/event-stream", "Transfer-Encoding: chunked"];
      return {
        writes: [head(...lines), ...slowly(body, chunk), LAST_CHUNK],
        expected: { status: 200, body },
      };
    },
  },
  {
    name: "every byte by itself, with silences",
    answer: (received) => {
      const body = echoOf(received);
      const lines = [statusLine, "Content-Type: text/plain", `Content-Length: ${body.bytes.length}`];
      return { writes: [head(...lines), ...slowly(body, (byte) => byte)], expected: { status: 200, body } };
    },
  },
  {
    name: "the head at every byte too",
    answer: (received) => {
      const body = echoOf(received);
      const lines = [
        statusLine,
        `X-Got: ${received.needles[0] ?? ""}`,
        `Content-Length: ${body.bytes.length}`,
      ];
      return { writes: [...eachByte(head(...lines)), body.bytes], expected: { status: 200, body } };
    },
  },
  {
    name: "ended by the connection",
    answer: (received) => {
      const body = echoOf(received);
      const lines = [statusLine, "Content-Type: text/plain", "Connection: close"];
      return { writes: [head(...lines), body.bytes], closes: true, expected: { status: 200, body } };
    },
  },
  {
    name: "an answer that breaks off in the middle of a secret",
    answer: (received) => {
      const body = echoOf(received);
      const to = body.mask.lastIndexOf(1) - 12;
      const lines = [statusLine, "Content-Type: text/plain", `Content-Length: ${body.bytes.length}`];
      return {
        writes: [head(...lines), body.bytes.subarray(0, to), LONG_SILENCE_MS],
        closes: true,
        expected: { status: 200, isBroken: true },
      };
    },
  },
  {
    name: "events over which one event is split",
    answer: (received) => {
      const body = join(plain("data: "), echoOf(received, json), plain("\n\n"));
      const lines = [statusLine, "Content-Type: text/event-stream", "Transfer-Encoding: chunked"];
      const pieces: (Buffer | number)[] = [];
      for (let from = 0; from < body.bytes.length; from += 7) {
        pieces.push(chunk(body.bytes.subarray(from, from + 7)), from % 70 === 0 ? LONG_SILENCE_MS : 1);
      }
      return { writes: [head(...lines), ...pieces, LAST_CHUNK], expected: { status: 200, body } };
    },
  },
];

type Compress = (data: Buffer) => Buffer;

const zstdCompress = (zlib as { zstdCompressSync?: Compress }).zstdCompressSync;

const twoMembers: Compress = (data) => {
  const middle = data.length >> 1;
  return Buffer.concat([zlib.gzipSync(data.subarray(0, middle)), zlib.gzipSync(data.subarray(middle))]);
};

const CODINGS: readonly [name: string, compress: Compress][] = [
  ["gzip", (data) => zlib.gzipSync(data)],
  ["x-gzip", (data) => zlib.gzipSync(data)],
  ["GZip", twoMembers],
  ["deflate", (data) => zlib.deflateSync(data)],
  ["deflate", (data) => zlib.deflateRawSync(data)],
  ["br", (data) => zlib.brotliCompressSync(data)],
  ["gzip, br", (data) => zlib.brotliCompressSync(zlib.gzipSync(data))],
  ["identity", (data) => data],
  ...(zstdCompress === undefined ? [] : [["zstd", zstdCompress] as [string, Compress]]),
];

const compressedForms: readonly EchoForm[] = CODINGS.flatMap(([coding, compress], index) =>
  [false, true].map((isSplit) => ({
    name: `${coding} (${index}${isSplit ? ", a write for every byte" : ""})`,
    requestFields: ["Accept-Encoding: gzip, deflate, br, zstd, compress"],
    answer: (received: Received) => {
      const body = join(plain('{"got":"'), echoOf(received, json), plain('"}'));
      const wire = compress(body.bytes);
      const lines = [statusLine, "Content-Type: application/json", `Content-Encoding: ${coding}`];
      const writes = [
        head(...lines, `Content-Length: ${wire.length}`),
        ...(isSplit ? eachByte(wire) : [wire]),
      ];
      return { writes, expected: { status: 200, body } };
    },
  })),
);

const brokenCompression: readonly EchoForm[] = CODINGS.slice(0, 7).map(([coding, compress], index) => ({
  name: `${coding} (${index}) that is cut short`,
  answer: (received) => {
    const wire = compress(echoOf(received).bytes);
    const cut = wire.subarray(0, wire.length - 10);
    const lines = [statusLine, "Content-Type: text/plain", `Content-Encoding: ${coding}`];
    return {
      writes: [head(...lines, `Content-Length: ${cut.length}`), cut],
      expected: { status: 200, isBroken: true },
    };
  },
}));

/** What can stand in a field's value: all that was injected. */
const asField = (
  name: string,
  received: Received,
  encode?: Encode,
): [line: Buffer, field: [MarkedText, MarkedText]] => {
  const value = mark(received.needles.join(" "), received.needles, encode, "latin1");
  return [Buffer.concat([Buffer.from(`${name}: `), value.bytes, Buffer.from(CRLF)]), [plain(name), value]];
};

function inFields(
  status: number,
  fields: readonly ReturnType<typeof asField>[],
  body = plain("{}"),
): EchoAnswer {
  const lines = fields.map(([line]) => line);
  const first = Buffer.from(`HTTP/1.1 ${status} OK\r\nContent-Type: application/json\r\n`);
  const last = Buffer.from(`Content-Length: ${body.bytes.length}\r\n\r\n`);
  return {
    writes: [Buffer.concat([first, ...lines, last, body.bytes])],
    expected: { status, fields: fields.map(([, field]) => field), body },
  };
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const inLatin1 = (text: string): boolean => /^[\t\x20-\x7e\x80-\xff]*$/.test(text);
const asciiHeader: Encode = (text) => Buffer.from(text).toString("latin1");

/** What the vault says instead of an answer that is none. */
const refused: EchoAnswer["expected"] = { status: 502 };

const fieldForms: readonly EchoForm[] = [
  {
    name: "a field's value",
    answer: (received) => inFields(200, [asField("X-Got", received, sendable(received))]),
  },
  {
    name: "values of several fields, encoded",
    answer: (received) =>
      inFields(200, [
        asField("X-Json", received, asciiJson),
        asField("X-Percent", received, percent),
        asField("X-Html", received, (text) => asciiHeader(html(text))),
        asField("X-Got", received, sendable(received)),
      ]),
  },
  {
    name: "a field that is repeated",
    answer: (received) => {
      const field = asField("X-Got", received, sendable(received));
      return inFields(200, [field, field, field]);
    },
  },
  {
    name: "a field's name",
    answer: (received) => {
      const name = received.needles.find((needle) => TOKEN.test(needle)) ?? received.needles[0] ?? "";
      const line = `${name}: 1`;
      const writes = [head(statusLine, line, "Content-Length: 0")];
      const [beforeColon = "", ...behindColon] = name.split(":");
      // With a colon in it, it makes a name and a value of itself.
      if (behindColon.length > 0 && TOKEN.test(beforeColon)) return { writes, expected: { status: 200 } };
      if (!TOKEN.test(name)) return { writes, closes: true, expected: refused };
      return {
        writes,
        expected: { status: 200, fields: [[mark(name, [name]), plain("1")]], body: plain("") },
      };
    },
  },
  {
    name: "WWW-Authenticate, ETag, Link and a Location of an error",
    answer: (received) =>
      inFields(401, [
        asField("WWW-Authenticate", received, sendable(received)),
        asField("Link", received, percent),
        asField("ETag", received, percent),
        asField("Content-Location", received, percent),
      ]),
  },
  {
    name: "fields that are dropped",
    answer: (received) => {
      const value = percent(received.needles[0] ?? "");
      const names = [
        "Set-Cookie",
        "X-Vault-Echo",
        "Access-Control-Allow-Origin",
        "Proxy-Authenticate",
        "Keep-Alive",
      ];
      const lines = [statusLine, ...names.map((name) => `${name}: ${value}`), "Content-Length: 2"];
      return { writes: [head(...lines), Buffer.from("ok")], expected: { status: 200, body: plain("ok") } };
    },
  },
  {
    name: "the reason phrase",
    answer: (received) => {
      const reason = mark(
        `got ${received.needles.join(" ")}`,
        received.needles,
        sendable(received),
        "latin1",
      );
      const first = Buffer.concat([Buffer.from("HTTP/1.1 200 "), reason.bytes, Buffer.from(CRLF)]);
      return {
        writes: [first, head("Content-Length: 2"), Buffer.from("ok")],
        expected: { status: 200, reason, body: plain("ok") },
      };
    },
  },
  {
    name: "a trailer",
    answer: (received) => {
      const [line, field] = asField("X-Got", received, sendable(received));
      const lines = [statusLine, "Transfer-Encoding: chunked", "Trailer: X-Got", "Content-Type: text/plain"];
      return {
        writes: [head(...lines), chunk(Buffer.from("ok")), Buffer.from("0\r\n"), line, Buffer.from(CRLF)],
        expected: { status: 200, body: plain("ok"), trailers: [field] },
      };
    },
  },
  {
    name: "103 Early Hints",
    answer: (received) => {
      const [line, field] = asField("Link", received, percent);
      return {
        writes: [
          Buffer.from("HTTP/1.1 103 Early Hints\r\n"),
          line,
          Buffer.from(CRLF),
          5,
          head("HTTP/1.1 200 OK", "Content-Length: 2"),
          Buffer.from("ok"),
        ],
        expected: { status: 200, body: plain("ok"), interim: [field] },
      };
    },
  },
  {
    name: "HEAD",
    method: "HEAD",
    answer: (received) => {
      const [line, field] = asField("X-Got", received, sendable(received));
      return {
        writes: [
          Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nContent-Type: text/plain\r\n"),
          line,
          Buffer.from(CRLF),
        ],
        expected: { status: 200, fields: [field, [plain("Content-Length"), plain("1234")]], body: plain("") },
      };
    },
  },
  {
    name: "304 Not Modified",
    answer: (received) => {
      const [line, field] = asField("X-Got", received, sendable(received));
      return {
        writes: [Buffer.from("HTTP/1.1 304 Not Modified\r\n"), line, Buffer.from(CRLF)],
        expected: { status: 304, fields: [field], body: plain("") },
      };
    },
  },
  ...["https://elsewhere.example/login?next=", "/login?next=", "login;next="].map((target): EchoForm => ({
    name: `a redirect to ${target}`,
    answer: (received) => {
      const value = join(plain(target), mark(received.target, received.needles, percent));
      const [, host = ""] = /^host: (.*)$/im.exec(received.head) ?? [];
      const expected = join(plain(target.startsWith("/") ? `http://${host}` : ""), value);
      return {
        writes: [
          Buffer.concat([
            Buffer.from("HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: "),
            value.bytes,
            Buffer.from("\r\n\r\n"),
          ]),
        ],
        expected: { status: 302, fields: [[plain("Location"), expected]], body: plain("") },
      };
    },
  })),
  {
    name: "a redirect to the same target",
    answer: (received) => {
      const value = mark(received.target, received.needles);
      return {
        writes: [
          Buffer.concat([
            Buffer.from("HTTP/1.1 307 Again\r\nContent-Length: 0\r\nLocation: "),
            value.bytes,
            Buffer.from("\r\n\r\n"),
          ]),
        ],
        expected: { status: 307, body: plain("") },
      };
    },
  },
];

/** Headers carry Latin-1; what does not fit is sent as the bytes of its UTF-8. */
function sendable({ needles }: Received): Encode | undefined {
  return needles.every(inLatin1) ? undefined : asciiHeader;
}

const errorForms: readonly EchoForm[] = [400, 401, 403, 404, 429, 500, 503].map((status) => ({
  name: `an error ${status}`,
  answer: (received) =>
    withLength(
      "application/json",
      join(plain('{"error":"bad key: '), echoOf(received, json), plain('"}')),
      status,
    ),
}));

/** Answers that are no HTTP; what the vault says of them must not quote them. */
const garbageForms: readonly EchoForm[] = [
  { name: "a status line that is none", lines: (secret: string) => [secret, "Content-Length: 0"] },
  {
    name: "a status that is none",
    lines: (secret: string) => [`HTTP/1.1 ${secret} OK`, "Content-Length: 0"],
  },
  { name: "a line that is no field", lines: (secret: string) => [statusLine, secret, "Content-Length: 0"] },
  { name: "a length that is none", lines: (secret: string) => [statusLine, `Content-Length: ${secret}`] },
  {
    name: "an unknown transfer coding",
    lines: (secret: string) => [statusLine, `Transfer-Encoding: ${secret}`],
  },
  {
    name: "a value with a NUL",
    lines: (secret: string) => [statusLine, `X-Got: ${secret}\0`, "Content-Length: 0"],
  },
  {
    name: "headers too large",
    lines: (secret: string) => [statusLine, `X-Got: ${secret.repeat(3000)}`, "Content-Length: 0"],
  },
  {
    name: "an unknown content coding",
    lines: (secret: string) => [
      statusLine,
      "Content-Type: text/plain",
      `Content-Encoding: ${secret}`,
      "Content-Length: 0",
    ],
  },
].map(({ name, lines }) => ({
  name,
  answer: ({ needles }) => ({
    writes: [head(...lines(percent(needles[0] ?? "")))],
    closes: true,
    expected: refused,
  }),
}));

const chunkGarbage: EchoForm = {
  name: "a chunk size that is none",
  answer: ({ needles }) => ({
    writes: [
      head(statusLine, "Transfer-Encoding: chunked"),
      chunk(Buffer.from("ok")),
      5,
      Buffer.from(`${needles[0] ?? ""}\r\n`),
    ],
    closes: true,
    expected: { status: 200, isBroken: true },
  }),
};

/** A part of a text that begins and ends in the middle of a secret. */
const partialForms: readonly EchoForm[] = [
  [8, 8],
  [6, 20],
  [17, 6],
  [31, 31],
].map(([start = 0, end = 0]) => ({
  name: `a 206 with ${start} bytes of a secret at its start and ${end} at its end`,
  requestFields: ["Range: bytes=10-"],
  answer: (received) => {
    const whole = echoOf(received);
    const firstEnd = whole.mask.indexOf(0, whole.mask.indexOf(1));
    const lastStart = whole.mask.lastIndexOf(0, whole.mask.lastIndexOf(1)) + 1;
    const [from, to] = [firstEnd - start, lastStart + end];
    const body = slice(whole, from, to);
    const range = `Content-Range: bytes ${from}-${to - 1}/${whole.bytes.length}`;
    const lines = [
      "HTTP/1.1 206 Partial",
      "Content-Type: text/plain",
      range,
      `Content-Length: ${body.bytes.length}`,
    ];
    return { writes: [head(...lines), body.bytes], expected: { status: 206, body } };
  },
}));

const insideForm: EchoForm = {
  name: "a 206 that is the inside of a secret",
  requestFields: ["Range: bytes=10-21"],
  answer: (received) => {
    const whole = echoOf(received);
    const from = whole.mask.indexOf(1) + 5;
    const body = slice(whole, from, from + 12);
    const lines = [
      "HTTP/1.1 206 Partial",
      `Content-Range: bytes ${from}-${from + 11}/*`,
      "Content-Length: 12",
    ];
    return { writes: [head(...lines), body.bytes], expected: { status: 206, body } };
  },
};

const WEB_SOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const WEB_SOCKET_KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const CLOSE_FRAME = Buffer.from([0x88, 0x00]);

/** An unmasked frame (RFC 6455 §5.2), as a server sends it. */
function frame(first: number, payload: MarkedText): MarkedText {
  const { length } = payload.bytes;
  const size = length < 126 ? [length] : [126, length >> 8, length & 0xff];
  const framing = Buffer.from([first, ...size]);
  return join({ bytes: framing, mask: Buffer.alloc(framing.length) }, payload);
}

const TEXT_FRAME = 0x81;

const webSocketBodies: readonly [name: string, frames: (echo: MarkedText) => MarkedText[]][] = [
  ["one text frame", (echo) => [frame(TEXT_FRAME, echo)]],
  ["two text frames", (echo) => [frame(TEXT_FRAME, echo), frame(TEXT_FRAME, echo)]],
  ["a binary frame", (echo) => [frame(0x82, echo)]],
  [
    "a message in two frames, each with a whole secret or none",
    (echo) => {
      const middle = echo.mask.indexOf(0, echo.mask.indexOf(1));
      return [frame(0x01, slice(echo, 0, middle)), frame(0x80, slice(echo, middle, echo.bytes.length))];
    },
  ],
  ["Base64 in a text frame", (echo) => [frame(TEXT_FRAME, base64(echo, "base64"))]],
];

const webSocketForms: readonly EchoForm[] = webSocketBodies.flatMap(([name, frames]) =>
  [false, true].map((isSplit) => ({
    name: `a WebSocket: ${name}${isSplit ? ", a write for every byte" : ""}`,
    requestFields: [
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      `Sec-WebSocket-Key: ${WEB_SOCKET_KEY}`,
      "Sec-WebSocket-Extensions: permessage-deflate",
    ],
    answer: (received: Received) => {
      const accept = createHash("sha1")
        .update(WEB_SOCKET_KEY + WEB_SOCKET_GUID)
        .digest("base64");
      const [line, field] = asField("X-Got", received, sendable(received));
      const opening = Buffer.concat([
        Buffer.from("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"),
        Buffer.from(`Sec-WebSocket-Accept: ${accept}\r\n`),
        line,
        Buffer.from(CRLF),
      ]);
      const body = join(...frames(echoOf(received)), { bytes: CLOSE_FRAME, mask: Buffer.alloc(2) });
      return {
        writes: [opening, 10, ...(isSplit ? slowly(body, (byte) => byte) : [body.bytes])],
        closes: true,
        expected: { status: 101, fields: [field], body },
      };
    },
  })),
);

/** Every form in which the upstream gives back what it received. */
export const ECHO_FORMS: readonly EchoForm[] = [
  ...textForms,
  ...base64Forms,
  ...framings,
  ...compressedForms,
  ...brokenCompression,
  ...fieldForms,
  ...errorForms,
  ...garbageForms,
  chunkGarbage,
  ...partialForms,
  insideForm,
  ...webSocketForms,
];
