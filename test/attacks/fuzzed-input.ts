import fc from "fast-check";

/** Bytes as Latin-1 text, of a range of characters. */
const text = (from: number, to: number, maxLength: number): fc.Arbitrary<string> =>
  fc.array(fc.integer({ min: from, max: to }), { maxLength }).map((codes) => String.fromCharCode(...codes));

const TARGET_PARTS = [
  ...[
    "/",
    "/",
    "//",
    ".",
    "..",
    "...",
    "%2e",
    "%2E",
    "%252e",
    "%25%32%65",
    "%2f",
    "%5c",
    "%255c",
    "\\",
    ";",
    "..;x",
    ".;",
  ],
  ...[
    "%c0%ae",
    "%c0%af",
    "\xc0\xae",
    "%00",
    "%3f",
    "%23",
    "#",
    "?",
    "&",
    "=",
    "%",
    "%z",
    "%2",
    "%09",
    "%0d%0a",
    "%c0%2e",
  ],
  ...[
    "%e0%80%ae",
    "%e0%80%af",
    "%f0%80%80%ae",
    "%f8%80%80%80%ae",
    "%25e0%2580%ae",
    "%e0",
    "%80",
    "%ae",
    "%u002e",
    "%u00",
    "%u",
  ],
  ...[
    "a",
    "v1",
    "é",
    "[",
    "]",
    "{",
    "|",
    "^",
    "`",
    "<",
    '"',
    "~",
    "!",
    "'",
    "*",
    "+",
    ",",
    ":",
    "@",
    " ",
    "\t",
    "\x7f",
    "\0",
  ],
];

export const targetTail: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...TARGET_PARTS) },
      { weight: 1, arbitrary: text(0x21, 0x7e, 6) },
      {
        weight: 1,
        arbitrary: fc.integer({ min: 0, max: 255 }).map((code) => `%${code.toString(16).padStart(2, "0")}`),
      },
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(""));

export const targetPrefix: fc.Arbitrary<string> = fc.oneof(
  { weight: 8, arbitrary: fc.constant("") },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "http://localhost",
      "HTTPS://evil.example:99",
      "http://a@b",
      "http://",
      "ftp://x",
      "/",
    ),
  },
);

const TCHARS = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const token = fc
  .array(fc.constantFrom(...Array.from(TCHARS)), { minLength: 1, maxLength: 14 })
  .map((characters) => characters.join(""));

const POLICY_NAMES = [
  ...[
    "authorization",
    "proxy-authorization",
    "x-vault-token",
    "x-api-key",
    "api-key",
    "apikey",
    "x-goog-api-key",
    "x-auth-token",
  ],
  ...[
    "x-access-token",
    "private-token",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "upgrade",
    "http2-settings",
    "cookie",
  ],
  ...[
    "cookie2",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-anything",
    "x-vault-anything",
    "x-original-url",
    "x-rewrite-uri",
    "x-override-url",
    "proxy-anything",
    "proxy-connection",
  ],
  ...[
    "accept",
    "content-type",
    "user-agent",
    "x-request-id",
    "if-none-match",
    "authorization2",
    "x-api-keys",
    "via",
    "date",
    "from",
  ],
];

/** A name in any letter case, with `_` or `.` for some `-`. */
const disguised = fc
  .tuple(fc.constantFrom(...POLICY_NAMES), fc.array(fc.nat(3), { minLength: 24, maxLength: 24 }))
  .map(([name, choices]) =>
    Array.from(name, (character, index) => {
      const choice = choices[index];
      if (character === "-" && (choice === 0 || choice === 2)) return choice === 0 ? "_" : ".";
      return choice === 1 ? character.toUpperCase() : character;
    }).join(""),
  );

/** Names of which something else than the header policy decides. */
const DECIDED_ELSEWHERE =
  /^(?:host|expect|content.length|transfer.encoding|accept.encoding|range|origin|sec.fetch.*)$/i;

const fieldValue = fc.oneof(
  text(0x20, 0x7e, 30),
  fc
    .array(
      fc.oneof(fc.integer({ min: 0x20, max: 0x7e }), fc.integer({ min: 0x80, max: 0xff }), fc.constant(9)),
      { maxLength: 20 },
    )
    .map((codes) => String.fromCharCode(...codes)),
  fc.constantFrom(
    "",
    " ",
    "\t",
    "close",
    "keep-alive",
    "x-request-id, accept",
    "X_Request_ID",
    "caller-credential",
    "Bearer caller-credential",
  ),
);

export const field: fc.Arbitrary<readonly [string, string]> = fc
  .tuple(fc.oneof(disguised, token), fieldValue)
  .filter(([name, value]) => !DECIDED_ELSEWHERE.test(name) && !/^(?:websocket)$/i.test(value.trim()));

/** Lines that are no fields; each must cost the request its life, unless it may be unfolded. */
export const illegalLine: fc.Arbitrary<{ line: string; mayPass: boolean }> = fc.constantFrom(
  { line: "X-Name : value", mayPass: false },
  { line: "X-Name", mayPass: false },
  { line: ": value", mayPass: false },
  { line: "X-N\xe4me: value", mayPass: false },
  { line: "X-Name\0: value", mayPass: false },
  { line: "X-Name: val\0ue", mayPass: false },
  { line: "X-Name: val\rue", mayPass: false },
  { line: "X-Name: val\nAuthorization: caller-credential", mayPass: true },
  { line: "X-Name: val\x01ue", mayPass: false },
  { line: "X-Name: val\x7fue", mayPass: false },
  { line: " folded: value", mayPass: true },
  { line: "X-Name: a\r\n\tAuthorization: caller-credential", mayPass: true },
  { line: "Content-Length: 5\r\nTransfer-Encoding: chunked", mayPass: false },
  { line: "Content-Length: 5\r\nContent-Length: 6", mayPass: false },
  { line: "Content-Length: +0", mayPass: false },
  { line: "Content-Length: 0x0", mayPass: false },
  { line: "Content-Length: -1", mayPass: false },
  { line: "Content-Length: 1, 2", mayPass: false },
  { line: "Transfer-Encoding: identity, chunked", mayPass: false },
  { line: "Transfer-Encoding: chunked, gzip", mayPass: false },
  { line: "Transfer-Encoding: xchunked", mayPass: false },
  { line: "Transfer-Encoding : chunked", mayPass: false },
  { line: "Expect: something-else", mayPass: false },
);

const chunkSize = fc.constantFrom(
  (length: number) => length.toString(16),
  (length: number) => length.toString(16).toUpperCase(),
  (length: number) => length.toString(16).padStart(6, "0"),
);
const extension = fc.constantFrom("", "", "", ";a", ";a=b", ';a="b c"', `;${"x".repeat(200)}=y`);
const WRONG_SIZES = [
  "",
  "x",
  "-1",
  "+1",
  "0x1",
  " 1",
  "1,",
  "g",
  "1 1",
  "1\t2",
  "fffffffffffffffff",
  "\0",
  "é",
  "1\r",
  "0\n",
  ";a",
];
const WRONG_ENDS = ["", "\n", "\r", "\r\r\n", " \r\n", "\n\r", "x\r\n"];

export interface FuzzedChunks {
  readonly bytes: Buffer;
  /** Whether something was broken on purpose; {@link decodeChunks} says whether the bytes are still whole. */
  readonly isTouched: boolean;
}

/** A chunked body, whole or with one thing wrong somewhere. */
export const chunks: fc.Arbitrary<FuzzedChunks> = fc
  .record({
    parts: fc.array(
      fc.record({ data: fc.uint8Array({ minLength: 1, maxLength: 200 }), size: chunkSize, extension }),
      { maxLength: 6 },
    ),
    trailers: fc.array(fc.constantFrom("X-Sum: 1", "Authorization: caller-credential", "X-E:"), {
      maxLength: 2,
    }),
    wrong: fc.option(
      fc.record({
        at: fc.nat(5),
        size: fc.option(fc.constantFrom(...WRONG_SIZES), { nil: undefined }),
        end: fc.option(fc.constantFrom(...WRONG_ENDS), { nil: undefined }),
        offset: fc.integer({ min: -2, max: 3 }),
      }),
      { nil: undefined },
    ),
    cut: fc.option(fc.nat(400), { nil: undefined, freq: 8 }),
  })
  .map(({ parts, trailers, wrong, cut }) => {
    const pieces = parts.map(({ data, size, extension: ext }, index) => {
      const mistake = wrong !== undefined && wrong.at % parts.length === index ? wrong : undefined;
      const written = mistake?.size ?? size(Math.max(0, data.length + (mistake?.offset ?? 0)));
      return Buffer.concat([
        Buffer.from(`${written}${ext}\r\n`, "latin1"),
        data,
        Buffer.from(mistake?.end ?? "\r\n", "latin1"),
      ]);
    });
    const end = ["0", ...trailers, "", ""].join("\r\n");
    const whole = Buffer.concat([...pieces, Buffer.from(end)]);
    const isCut = cut !== undefined && cut < whole.length;
    return { bytes: isCut ? whole.subarray(0, cut) : whole, isTouched: wrong !== undefined || isCut };
  });

/** Where a run of bytes is divided into writes, in thousandths of its length. */
export const cuts: fc.Arbitrary<readonly number[]> = fc.oneof(
  fc.constant([]),
  fc.array(fc.nat(1000), { maxLength: 6 }),
);

export function cutAt(bytes: Buffer, thousandths: readonly number[]): Buffer[] {
  const places = [...new Set(thousandths.map((part) => Math.floor((part * bytes.length) / 1000)))].sort(
    (a, b) => a - b,
  );
  return [0, ...places].map((from, index) => bytes.subarray(from, places[index] ?? bytes.length));
}

/** WebSocket frames (RFC 6455 §5.2), right and wrong: reserved bits and opcodes, lengths that lie, no mask. */
export const frames: fc.Arbitrary<Buffer> = fc
  .array(
    fc
      .record({
        first: fc.nat(255),
        isMasked: fc.boolean(),
        payload: fc.uint8Array({ maxLength: 300 }),
        lie: fc.option(fc.nat(127), { nil: undefined, freq: 5 }),
        key: fc.uint8Array({ minLength: 4, maxLength: 4 }),
      })
      .map(({ first, isMasked, payload, lie, key }) => {
        const length = lie ?? Math.min(payload.length, 126);
        const longer = length === 126 ? [payload.length >> 8, payload.length & 0xff] : [];
        const masked = isMasked ? payload.map((byte, index) => byte ^ (key[index % 4] ?? 0)) : payload;
        return Buffer.concat([
          Buffer.from([first, (isMasked ? 0x80 : 0) | length, ...longer]),
          isMasked ? key : Buffer.alloc(0),
          masked,
        ]);
      }),
    { maxLength: 8 },
  )
  .map((list) => Buffer.concat(list));

const SPLICED = [
  ...[
    "\r\n",
    "\n",
    "\r",
    "\0",
    " ",
    ":",
    "\r\n\r\n",
    "0\r\n\r\n",
    "\t",
    "\xff",
    ";",
    "HTTP/1.1",
    "GET / HTTP/1.1\r\n\r\n",
  ],
  ...[
    "Transfer-Encoding: chunked\r\n",
    "Content-Length: 5\r\n",
    "Content-Length: 0\r\n",
    "Authorization: Bearer caller-credential\r\n",
  ],
  ...[
    "X-Api-Key: caller-credential\r\n",
    "Connection: x-request-id\r\n",
    "Upgrade: websocket\r\nConnection: upgrade\r\n",
    "Expect: 100-continue\r\n",
  ],
];

export type Mutation =
  | { readonly kind: "flip" | "delete"; readonly at: number; readonly amount: number }
  | { readonly kind: "insert"; readonly at: number; readonly text: string };

const place = fc.nat(10_000);

export const mutations: fc.Arbitrary<readonly Mutation[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("flip" as const), at: place, amount: fc.integer({ min: 1, max: 255 }) }),
    fc.record({ kind: fc.constant("delete" as const), at: place, amount: fc.integer({ min: 1, max: 12 }) }),
    fc.record({ kind: fc.constant("insert" as const), at: place, text: fc.constantFrom(...SPLICED) }),
  ),
  { minLength: 1, maxLength: 4 },
);

export function mutate(bytes: Buffer, list: readonly Mutation[]): Buffer {
  return list.reduce((before, mutation) => {
    const at = Math.floor((mutation.at * before.length) / 10_000);
    const after = Buffer.from(before);
    if (mutation.kind === "flip") {
      if (at < after.length) after[at] = (after[at] ?? 0) ^ mutation.amount;
      return after;
    }
    const inserted = mutation.kind === "insert" ? Buffer.from(mutation.text, "latin1") : Buffer.alloc(0);
    const gone = mutation.kind === "delete" ? mutation.amount : 0;
    return Buffer.concat([after.subarray(0, at), inserted, after.subarray(at + gone)]);
  }, bytes);
}
