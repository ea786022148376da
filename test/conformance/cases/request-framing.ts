import {
  callerGot,
  fieldsOf,
  lookAtBoth,
  post,
  request,
  upstreamGot,
  type ConformanceCase,
  type Outcome,
  type Seen,
} from "../conformance-case.js";

const REFUSED = { caller: "400", upstream: "nothing" };
/** The head may be gone before the body turns out to be broken; the upstream must see that it is cut off. */
const BROKEN = { "caller sees success": false, "upstream got a whole request": false };

const CHUNKED = "Transfer-Encoding: chunked";
const SMUGGLED = "GET /proxy/raw/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";

const lookForBreak = (seen: Seen): Outcome => ({
  "caller sees success": /2\d\d$/.test(callerGot(seen)),
  "upstream got a whole request": seen.requests.some((each) => each.isWhole),
});

const bodyOf = (seen: Seen): Outcome => ({
  caller: callerGot(seen),
  upstream: upstreamGot(seen),
  body: seen.requests[0]?.body ?? "",
});

const heads: readonly (readonly [string, readonly string[], string])[] = [
  ["Content-Length beside Transfer-Encoding", ["Content-Length: 4", CHUNKED], `0\r\n\r\n${SMUGGLED}`],
  ["Transfer-Encoding beside Content-Length", [CHUNKED, "Content-Length: 5"], `0\r\n\r\n${SMUGGLED}`],
  ["two lengths that differ", ["Content-Length: 2", "Content-Length: 5"], "hello"],
  ["two lengths that agree", ["Content-Length: 5", "Content-Length: 5"], "hello"],
  ["a list of lengths", ["Content-Length: 5, 5"], "hello"],
  ["a list of lengths that differ", ["Content-Length: 5, 6"], "hello"],
  ["a length with a sign", ["Content-Length: +5"], "hello"],
  ["a negative length", ["Content-Length: -5"], "hello"],
  ["a hexadecimal length", ["Content-Length: 0x5"], "hello"],
  ["a length with a space in it", ["Content-Length: 5 5"], "hello"],
  ["an empty length", ["Content-Length: "], "hello"],
  ["a length that no integer holds", ["Content-Length: 18446744073709551621"], "hello"],
  ["the coding gzip", ["Transfer-Encoding: gzip"], "hello"],
  ["the coding gzip, chunked", ["Transfer-Encoding: gzip, chunked"], "5\r\nhello\r\n0\r\n\r\n"],
  ["the coding chunked, gzip", ["Transfer-Encoding: chunked, gzip"], "5\r\nhello\r\n0\r\n\r\n"],
  ["the coding identity, chunked", ["Transfer-Encoding: identity, chunked"], "5\r\nhello\r\n0\r\n\r\n"],
  ["the coding chunked twice", ["Transfer-Encoding: chunked, chunked"], "5\r\nhello\r\n0\r\n\r\n"],
  ["codings on two lines", [CHUNKED, "Transfer-Encoding: identity"], "5\r\nhello\r\n0\r\n\r\n"],
  ["the coding xchunked", ["Transfer-Encoding: xchunked"], "5\r\nhello\r\n0\r\n\r\n"],
  ["a coding in quotes", ['Transfer-Encoding: "chunked"'], "5\r\nhello\r\n0\r\n\r\n"],
  ["a coding behind a vertical tab", ["Transfer-Encoding: \x0bchunked"], "5\r\nhello\r\n0\r\n\r\n"],
  ["an empty coding", ["Transfer-Encoding: "], "hello"],
];

const chunks: readonly (readonly [string, string])[] = [
  ["a negative chunk size", "-5\r\nhello\r\n0\r\n\r\n"],
  ["a chunk size with 0x", "0x5\r\nhello\r\n0\r\n\r\n"],
  ["a chunk size behind a space", " 5\r\nhello\r\n0\r\n\r\n"],
  ["a chunk size before a space", "5 \r\nhello\r\n0\r\n\r\n"],
  ["a chunk size with a sign", "+5\r\nhello\r\n0\r\n\r\n"],
  ["an empty chunk size", "\r\nhello\r\n0\r\n\r\n"],
  ["a chunk size that no integer holds", "10000000000000005\r\nhello\r\n0\r\n\r\n"],
  ["a chunk size that ends in LF alone", "5\nhello\r\n0\r\n\r\n"],
  ["a chunk that ends in LF alone", "5\r\nhello\n0\r\n\r\n"],
  ["a chunk that is longer than its size", "5\r\nhelloX\r\n0\r\n\r\n"],
  ["a bare CR behind a chunk size", "5\rhello\r\n0\r\n\r\n"],
  ["a bare CR in a chunk extension", "5;a\rb\r\nhello\r\n0\r\n\r\n"],
  ["a bare LF in a chunk extension", "5;a\nb\r\nhello\r\n0\r\n\r\n"],
];

export const requestFramingCases: readonly ConformanceCase[] = [
  ...heads.map(([what, fields, body]): ConformanceCase => ({
    rule: "RFC 9112 §6.1, §6.3",
    name: `${what}: refused in a request`,
    send: post(body, ...fields),
    look: lookAtBoth,
    vault: REFUSED,
  })),
  {
    rule: "RFC 9112 §6.1",
    name: "chunks in a request of HTTP/1.0 are refused or read as chunks",
    send: post("5\r\nhello\r\n0\r\n\r\n", CHUNKED).replace("HTTP/1.1", "HTTP/1.0"),
    look: bodyOf,
    vault: { caller: "200", upstream: "1 request", body: "hello" },
  },
  ...chunks.map(([what, body]): ConformanceCase => ({
    rule: "RFC 9112 §7.1",
    name: `${what}: the request breaks off`,
    send: post(body, CHUNKED),
    look: lookForBreak,
    vault: BROKEN,
  })),
  {
    rule: "RFC 9112 §7.1.1",
    name: "chunk extensions of a request are read over",
    send: post('5;name=value;q="a;b"\r\nhello\r\n0;last\r\n\r\n', CHUNKED),
    look: bodyOf,
    vault: { caller: "200", upstream: "1 request", body: "hello" },
  },
  {
    rule: "RFC 9112 §7.1.1",
    name: "a chunk extension of 200 KB neither passes nor hurts",
    send: post(`5;${"x".repeat(200_000)}\r\nhello\r\n0\r\n\r\n`, CHUNKED),
    look: lookForBreak,
    vault: BROKEN,
  },
  {
    rule: "RFC 9110 §6.5.1",
    name: "trailers of a request are not merged into its fields",
    send: post(
      "5\r\nhello\r\n0\r\nX-Sum: 1\r\nAuthorization: Bearer evil\r\n\r\n",
      CHUNKED,
      "Trailer: X-Sum",
    ),
    look: (seen) => ({
      ...bodyOf(seen),
      merged: fieldsOf(seen.requests[0], "x-sum").length,
      trailers: seen.requests[0]?.trailers.map(([name]) => name.toLowerCase()) ?? [],
    }),
    vault: { caller: "200", upstream: "1 request", body: "hello", merged: 0, trailers: [] },
  },
  {
    rule: "RFC 9112 §6",
    name: "a length-delimited request stays length-delimited",
    send: post("hello", "Content-Length: 5"),
    look: (seen) => ({ ...bodyOf(seen), framing: seen.requests[0]?.framing ?? "" }),
    vault: { caller: "200", upstream: "1 request", body: "hello", framing: "length" },
  },
  {
    rule: "RFC 9112 §6",
    name: "a chunked request stays chunked",
    send: post("3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", CHUNKED),
    look: (seen) => ({ ...bodyOf(seen), framing: seen.requests[0]?.framing ?? "" }),
    vault: { caller: "200", upstream: "1 request", body: "hello", framing: "chunked" },
  },
  {
    rule: "RFC 9110 §8.6",
    name: "a POST without a body says so",
    send: request("POST /x", ["Content-Length: 0"]),
    look: (seen) => ({ ...lookAtBoth(seen), length: fieldsOf(seen.requests[0], "content-length") }),
    vault: { caller: "200", upstream: "1 request", length: ["content-length: 0"] },
  },
  {
    rule: "RFC 9110 §9.3.1",
    name: "the body of a GET arrives",
    send: request("GET /x", ["Content-Length: 5"], "hello"),
    look: bodyOf,
    vault: { caller: "200", upstream: "1 request", body: "hello" },
  },
  ...(
    [
      ["length-delimited", "Content-Length: 100", "only this"],
      ["chunked", CHUNKED, "9\r\nonly this\r\n"],
      ["chunked, inside of a chunk,", CHUNKED, "64\r\nonly this"],
    ] as const
  ).map(([what, field, body]): ConformanceCase => ({
    rule: "RFC 9112 §8",
    name: `a ${what} request that breaks off is never whole`,
    send: async ({ socket, write, wait }) => {
      write(post(body, field));
      await wait(60);
      socket.end();
    },
    look: ({ requests }) => ({ "upstream got a whole request": requests.some((each) => each.isWhole) }),
    vault: { "upstream got a whole request": false },
  })),
];
