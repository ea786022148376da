import type { Differences } from "../difference-table.js";

const AMBIGUOUS = "what two readers may read in two ways is refused";
const NO_END = "where the answer ends cannot be told";
const NO_STATUS = "no status that a caller could understand";
const TWO_FRAMINGS = "two framings are a sign of smuggling; a control drops Content-Length";
const ONE_LENGTH = "one length only is understood; the RFC lets a recipient join equal ones";
const HTTP_0_9 = "nginx takes it for an answer of HTTP/0.9";
const NO_RESET = "a reset is no end; haproxy takes it for one";
const PASSED = { caller: "200" };
const MALFORMED = { caller: "malformed" };
const PASSED_WHOLE = { "caller sees a whole answer": true };

export const answerDifferences: Differences = {
  "hop-by-hop fields of an answer go no further": {
    nginx: { arrived: ["proxy-connection", "upgrade", "trailer", "proxy-authenticate", "te", "x-end"] },
    haproxy: {
      arrived: ["keep-alive", "proxy-connection", "upgrade", "trailer", "proxy-authenticate", "x-end"],
    },
    why: "the controls drop those that they use themselves; the RFC wants all of them dropped",
  },
  "fields that Connection names in an answer go no further": {
    nginx: { arrived: ["x-hop: 1", "x-other: 2", "x-end: 3"] },
    haproxy: { arrived: ["x-hop: 1", "x-other: 2", "x-end: 3"] },
    why: "the controls do not look at what Connection names; the RFC wants it dropped",
  },
  "repeated fields of an answer keep order, letter case and lines": {
    haproxy: { arrived: ["x-list: b", "x-other: 1", "x-list: a, c", "x-list: "] },
    why: "haproxy writes names in lower case",
  },
  "Set-Cookie is never joined; the vault keeps it": {
    nginx: { arrived: ["set-cookie: a=1", "set-cookie: b=2"] },
    haproxy: { arrived: ["set-cookie: a=1", "set-cookie: b=2"] },
    why: "an upstream's session is a credential",
  },
  "trailers of an answer arrive as trailers": {
    nginx: { caller: "200", merged: 0, trailers: [] },
    why: "nginx drops trailers",
  },
  "what must not stand in trailers is dropped there": {
    nginx: { caller: "200", merged: 0, trailers: [] },
    haproxy: {
      caller: "200",
      merged: 0,
      trailers: ["content-type: text/html", "age: 1", "set-cookie: a=1", "x-sum: 1"],
    },
    why: "nginx drops all trailers, haproxy none",
  },
  "Content-Length in a trailer is not believed": {
    nginx: { caller: "200", trailers: [] },
    haproxy: { caller: "200", trailers: ["content-length: 9"] },
    why: "it contradicts the answer; nginx drops all trailers, haproxy none",
  },
  "a caller of HTTP/1.0 gets no trailers and no chunks": {
    haproxy: { caller: "200", merged: 0, trailers: ["x-sum: 1"], body: "ok" },
    why: "HTTP/1.0 has neither; haproxy sends both",
  },
  "a byte outside of ASCII in a field name: the answer is 502": { nginx: MALFORMED, why: AMBIGUOUS },
  "a line without a colon: the answer is 502": { nginx: PASSED, why: AMBIGUOUS },
  "a NUL in a field: the answer is 502": { haproxy: MALFORMED, why: AMBIGUOUS },
  "a control character in a field: the answer is 502": {
    nginx: MALFORMED,
    haproxy: MALFORMED,
    why: AMBIGUOUS,
  },
  "a bare LF at the end of a field: the answer is 502": { nginx: PASSED, haproxy: PASSED, why: AMBIGUOUS },
  "a folded line (obs-fold) of an answer is refused or unfolded": {
    haproxy: { caller: "200", arrived: ["x-name: 1   2"] },
    why: "the RFC allows both; haproxy unfolds",
  },
  "Content-Length beside Transfer-Encoding: the answer is 502": {
    nginx: PASSED,
    haproxy: PASSED,
    why: TWO_FRAMINGS,
  },
  "Transfer-Encoding beside Content-Length: the answer is 502": {
    nginx: PASSED,
    haproxy: PASSED,
    why: TWO_FRAMINGS,
  },
  "an answer of HTTP/2.0 in this syntax is 502": {
    nginx: PASSED,
    haproxy: PASSED,
    why: "no such message exists",
  },
  "chunks in an answer of HTTP/1.0 are refused": {
    nginx: PASSED,
    haproxy: PASSED,
    why: "the RFC has the framing count as faulty",
  },
  "204 loses a Content-Length": {
    nginx: { length: ["content-length: 10"] },
    why: "it has no content, and the RFC allows no length there",
  },
  "two lengths that differ: the answer is 502": { nginx: PASSED, why: NO_END },
  "two lengths that agree: the answer is 502": { nginx: PASSED, haproxy: PASSED, why: ONE_LENGTH },
  "a list of lengths: the answer is 502": { nginx: PASSED, haproxy: PASSED, why: ONE_LENGTH },
  "a length with a sign: the answer is 502": { nginx: PASSED, why: NO_END },
  "a negative length: the answer is 502": { nginx: PASSED, why: NO_END },
  "a hexadecimal length: the answer is 502": { nginx: PASSED, why: NO_END },
  "a length with a space in it: the answer is 502": { nginx: PASSED, why: NO_END },
  "an empty length: the answer is 502": { nginx: PASSED, why: NO_END },
  "a length that no integer holds: the answer is 502": {
    nginx: PASSED,
    haproxy: { caller: "200 cut off" },
    why: NO_END,
  },
  "the coding gzip: the answer is 502": { nginx: PASSED, why: NO_END },
  "the coding gzip, chunked: the answer is 502": { nginx: PASSED, why: NO_END },
  "the coding chunked, gzip: the answer is 502": { nginx: PASSED, why: NO_END },
  "the coding identity, chunked: the answer is 502": { nginx: PASSED, why: NO_END },
  "the coding chunked twice: the answer is 502": { nginx: PASSED, why: NO_END },
  "codings on two lines: the answer is 502": { nginx: PASSED, why: NO_END },
  "the coding xchunked: the answer is 502": { nginx: PASSED, why: NO_END },
  "a chunk size before a space: the answer breaks off": {
    nginx: PASSED_WHOLE,
    haproxy: PASSED_WHOLE,
    why: AMBIGUOUS,
  },
  "a chunk size that ends in LF alone: the answer breaks off": {
    nginx: PASSED_WHOLE,
    haproxy: PASSED_WHOLE,
    why: AMBIGUOUS,
  },
  "a chunk that ends in LF alone: the answer breaks off": {
    nginx: PASSED_WHOLE,
    haproxy: PASSED_WHOLE,
    why: AMBIGUOUS,
  },
  "a chunk extension of 200 KB in an answer does not hurt": {
    haproxy: { caller: "502" },
    why: "haproxy has a limit for it; the vault keeps nothing of an extension, and lets the time-outs bound it",
  },
  "a close-delimited answer that breaks off is never whole": { haproxy: PASSED_WHOLE, why: NO_RESET },
  "a close-delimited answer that is reset right behind its bytes is never whole": {
    haproxy: PASSED_WHOLE,
    why: NO_RESET,
  },
  "a chunked answer that breaks off is never whole for a caller of HTTP/1.0": {
    nginx: PASSED_WHOLE,
    why: "the vault resets the caller's connection, where nginx closes it",
  },
  "garbage instead of a status line is 502": { nginx: MALFORMED, why: HTTP_0_9 },
  "an answer of HTTP/0.9 is 502": { nginx: MALFORMED, why: HTTP_0_9 },
  "a status of two digits is 502": { nginx: MALFORMED, haproxy: MALFORMED, why: NO_STATUS },
  "a status of four digits is 502": { nginx: MALFORMED, haproxy: MALFORMED, why: NO_STATUS },
  "a status below 100 is 502": { nginx: MALFORMED, haproxy: MALFORMED, why: NO_STATUS },
};
