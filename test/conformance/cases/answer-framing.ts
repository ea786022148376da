import {
  answer,
  callerGot,
  fieldsOf,
  inPieces,
  lookAtCaller,
  request,
  thenClose,
  TOKEN,
  type ConformanceCase,
  type Outcome,
  type Seen,
} from "../conformance-case.js";

const GET = request("GET /x");
const CHUNKED = "Transfer-Encoding: chunked";
const BAD_GATEWAY = { caller: "502" };
/** The head may be with the caller before the body turns out to be broken. */
const BROKEN = { "caller sees a whole answer": false };

const lookForBreak = (seen: Seen): Outcome => ({
  "caller sees a whole answer": /^200$/.test(callerGot(seen)),
});

const withBody = (seen: Seen): Outcome => ({
  caller: callerGot(seen),
  body: seen.answers[0]?.body ?? "",
});

const heads: readonly (readonly [string, readonly string[], string])[] = [
  ["Content-Length beside Transfer-Encoding", ["Content-Length: 2", CHUNKED], "2\r\nok\r\n0\r\n\r\n"],
  ["Transfer-Encoding beside Content-Length", [CHUNKED, "Content-Length: 2"], "2\r\nok\r\n0\r\n\r\n"],
  ["two lengths that differ", ["Content-Length: 2", "Content-Length: 3"], "okk"],
  ["two lengths that agree", ["Content-Length: 2", "Content-Length: 2"], "ok"],
  ["a list of lengths", ["Content-Length: 2, 2"], "ok"],
  ["a length with a sign", ["Content-Length: +2"], "ok"],
  ["a negative length", ["Content-Length: -2"], "ok"],
  ["a hexadecimal length", ["Content-Length: 0x2"], "ok"],
  ["a length with a space in it", ["Content-Length: 2 2"], "ok"],
  ["an empty length", ["Content-Length: "], "ok"],
  ["a length that no integer holds", ["Content-Length: 18446744073709551618"], "ok"],
  ["the coding gzip", ["Transfer-Encoding: gzip"], "ok"],
  ["the coding gzip, chunked", ["Transfer-Encoding: gzip, chunked"], "2\r\nok\r\n0\r\n\r\n"],
  ["the coding chunked, gzip", ["Transfer-Encoding: chunked, gzip"], "2\r\nok\r\n0\r\n\r\n"],
  ["the coding identity, chunked", ["Transfer-Encoding: identity, chunked"], "2\r\nok\r\n0\r\n\r\n"],
  ["the coding chunked twice", ["Transfer-Encoding: chunked, chunked"], "2\r\nok\r\n0\r\n\r\n"],
  ["codings on two lines", [CHUNKED, "Transfer-Encoding: identity"], "2\r\nok\r\n0\r\n\r\n"],
  ["the coding xchunked", ["Transfer-Encoding: xchunked"], "2\r\nok\r\n0\r\n\r\n"],
];

const chunks: readonly (readonly [string, string])[] = [
  ["a negative chunk size", "-2\r\nok\r\n0\r\n\r\n"],
  ["a chunk size with 0x", "0x2\r\nok\r\n0\r\n\r\n"],
  ["a chunk size behind a space", " 2\r\nok\r\n0\r\n\r\n"],
  ["a chunk size before a space", "2 \r\nok\r\n0\r\n\r\n"],
  ["an empty chunk size", "\r\nok\r\n0\r\n\r\n"],
  ["a chunk size that no integer holds", "10000000000000002\r\nok\r\n0\r\n\r\n"],
  ["a chunk size that ends in LF alone", "2\nok\r\n0\r\n\r\n"],
  ["a chunk that ends in LF alone", "2\r\nok\n0\r\n\r\n"],
  ["a chunk that is longer than its size", "2\r\nokX\r\n0\r\n\r\n"],
  ["a bare LF in a chunk extension", "2;a\nb\r\nok\r\n0\r\n\r\n"],
];

export const answerFramingCases: readonly ConformanceCase[] = [
  ...heads.map(([what, fields, body]): ConformanceCase => ({
    rule: "RFC 9112 §6.1, §6.3",
    name: `${what}: the answer is 502`,
    send: GET,
    upstream: thenClose(answer(fields, body)),
    look: lookAtCaller,
    vault: BAD_GATEWAY,
  })),
  ...chunks.map(([what, body]): ConformanceCase => ({
    rule: "RFC 9112 §7.1",
    name: `${what}: the answer breaks off`,
    send: GET,
    upstream: thenClose(answer([CHUNKED], body)),
    look: lookForBreak,
    vault: BROKEN,
  })),
  {
    rule: "RFC 9112 §7.1.1",
    name: "chunk extensions of an answer are read over",
    send: GET,
    upstream: answer([CHUNKED], '2;name=value;q="a;b"\r\nok\r\n0;last\r\n\r\n'),
    look: withBody,
    vault: { caller: "200", body: "ok" },
  },
  {
    rule: "RFC 9112 §7.1.1",
    name: "a chunk extension of 200 KB in an answer does not hurt",
    send: GET,
    upstream: answer([CHUNKED], `2;${"x".repeat(200_000)}\r\nok\r\n0\r\n\r\n`),
    look: lookAtCaller,
    vault: { caller: "200" },
  },
  {
    rule: "RFC 9110 §9.3.2",
    name: "the answer to HEAD keeps Content-Length without a body",
    send: request("HEAD /x"),
    upstream: answer(["Content-Length: 500"]),
    look: (seen) => ({ ...withBody(seen), length: fieldsOf(seen.answers[0], "content-length") }),
    vault: { caller: "200", body: "", length: ["content-length: 500"] },
  },
  {
    rule: "RFC 9110 §9.3.2",
    name: "a body in the answer to HEAD is not passed on",
    send: request("HEAD /x"),
    upstream: thenClose(answer(["Content-Length: 2"], "ok")),
    look: ({ answers, text }) => ({ status: answers.length, behindHead: text.split("\r\n\r\n")[1] ?? "" }),
    vault: { status: 1, behindHead: "" },
  },
  ...[204, 304].flatMap((status): ConformanceCase[] => [
    {
      rule: "RFC 9110 §8.6",
      name: `${status} has no body`,
      send: GET,
      upstream: answer([], "", `HTTP/1.1 ${status} X`),
      look: ({ answers, text }) => ({ answers: answers.length, behindHead: text.split("\r\n\r\n")[1] ?? "" }),
      vault: { answers: 1, behindHead: "" },
    },
    {
      rule: "RFC 9110 §8.6",
      name: `${status} with a Content-Length has no body all the same`,
      send: GET,
      upstream: answer(["Content-Length: 10"], "", `HTTP/1.1 ${status} X`),
      look: ({ answers, text, ending }) => ({
        answers: answers.length,
        behindHead: text.split("\r\n\r\n")[1] ?? "",
        ending,
      }),
      vault: { answers: 1, behindHead: "", ending: "closed" },
    },
    {
      rule: "RFC 9112 §6.3",
      name: `what follows the head of a ${status} is not passed on`,
      send: GET,
      upstream: thenClose(answer(["Content-Length: 2"], "ok", `HTTP/1.1 ${status} X`)),
      look: ({ answers, text }) => ({ answers: answers.length, behindHead: text.split("\r\n\r\n")[1] ?? "" }),
      vault: { answers: 1, behindHead: "" },
    },
  ]),
  ...(
    [
      ["a length-delimited answer", answer(["Content-Length: 100"], "only this"), "end"],
      ["a chunked answer", answer([CHUNKED], "9\r\nonly this\r\n"), "end"],
      ["a chunked answer, inside of a chunk,", answer([CHUNKED], "64\r\nonly this"), "end"],
      ["a chunked answer, before its last line,", answer([CHUNKED], "9\r\nonly this\r\n0\r\n"), "end"],
      ["a close-delimited answer", answer([], "only this"), "reset"],
    ] as const
  ).map(([what, bytes, how]): ConformanceCase => ({
    rule: "RFC 9112 §8",
    name: `${what} that breaks off is never whole`,
    send: GET,
    upstream: thenClose(bytes, how),
    look: lookForBreak,
    vault: BROKEN,
  })),
  {
    rule: "RFC 9112 §8",
    name: "a close-delimited answer that is reset right behind its bytes is never whole",
    send: GET,
    upstream: {
      onRequest(socket) {
        socket.write(answer([], "only this"), () => socket.resetAndDestroy());
      },
    },
    look: lookForBreak,
    vault: BROKEN,
  },
  ...(
    [
      ["length-delimited", answer(["Content-Length: 100"], "only this"), "end"],
      ["chunked", answer([CHUNKED], "9\r\nonly this\r\n"), "end"],
    ] as const
  ).map(([what, bytes, how]): ConformanceCase => ({
    rule: "RFC 9112 §8",
    name: `a ${what} answer that breaks off is never whole for a caller of HTTP/1.0`,
    send: `GET /proxy/raw/x HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`,
    upstream: thenClose(bytes, how),
    look: lookForBreak,
    vault: BROKEN,
  })),
  {
    rule: "RFC 9112 §6.3",
    name: "a close-delimited answer that ends well is whole",
    send: GET,
    upstream: thenClose(answer([], "all of it")),
    look: withBody,
    vault: { caller: "200", body: "all of it" },
  },
  {
    rule: "RFC 9112 §8",
    name: "an answer that stops in the middle is broken off in time",
    send: GET,
    upstream: answer(["Content-Length: 100"], "only this"),
    look: lookAtCaller,
    vault: { caller: "200 cut off" },
  },
  {
    rule: "RFC 9110 §15.6.5",
    name: "an upstream that never answers is 504 in time",
    send: GET,
    upstream: {},
    look: lookAtCaller,
    vault: { caller: "504" },
  },
  {
    rule: "RFC 9112 §8",
    name: "a head that stops in the middle is 504 in time",
    send: GET,
    upstream: "HTTP/1.1 200 OK\r\nContent-Le",
    look: lookAtCaller,
    vault: { caller: "504" },
  },
  ...(
    [
      ["garbage instead of a status line", "nonsense\r\n\r\n"],
      ["an answer of HTTP/0.9", "<html>hello</html>"],
      ["a status of two digits", "HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok"],
      ["a status of four digits", "HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok"],
      ["a status below 100", "HTTP/1.1 099 OK\r\nContent-Length: 2\r\n\r\nok"],
      ["a head that ends in the middle", "HTTP/1.1 200 OK\r\nContent-Le"],
      ["a connection closed without an answer", ""],
    ] as const
  ).map(([what, bytes]): ConformanceCase => ({
    rule: "RFC 9112 §4",
    name: `${what} is 502`,
    send: GET,
    upstream: thenClose(bytes),
    look: lookAtCaller,
    vault: BAD_GATEWAY,
  })),
  {
    rule: "RFC 9112 §2.3",
    name: "an answer of HTTP/2.0 in this syntax is 502",
    send: GET,
    upstream: answer(["Content-Length: 2"], "ok", "HTTP/2.0 200 OK"),
    look: lookAtCaller,
    vault: BAD_GATEWAY,
  },
  {
    rule: "RFC 9112 §6.1",
    name: "chunks in an answer of HTTP/1.0 are refused",
    send: GET,
    upstream: thenClose(answer([CHUNKED], "2\r\nok\r\n0\r\n\r\n", "HTTP/1.0 200 OK")),
    look: lookAtCaller,
    vault: BAD_GATEWAY,
  },
  {
    rule: "RFC 9110 §8.6",
    name: "204 loses a Content-Length",
    send: GET,
    upstream: answer(["Content-Length: 10"], "", "HTTP/1.1 204 No Content"),
    look: (seen) => ({ length: fieldsOf(seen.answers[0], "content-length") }),
    vault: { length: [] },
  },
  {
    rule: "RFC 9112 §4",
    name: "a status line without a reason phrase is read",
    send: GET,
    upstream: answer(["Content-Length: 2"], "ok", "HTTP/1.1 200"),
    look: withBody,
    vault: { caller: "200", body: "ok" },
  },
  {
    rule: "RFC 9112 §6",
    name: "an answer in many pieces arrives whole",
    send: GET,
    upstream: inPieces(answer([CHUNKED], "5\r\nhello\r\n0\r\n\r\n").match(/[^]{1,3}/g) ?? [], 3),
    look: withBody,
    vault: { caller: "200", body: "hello" },
  },
];
