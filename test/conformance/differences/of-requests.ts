import type { Differences } from "../difference-table.js";

const AMBIGUOUS = "what two readers may read in two ways is refused";
const REFUSED_BY_ALL = "all three refuse; the vault has one status for it";
const ONE_HOST =
  "the vault keeps web pages out by Host, and so wants exactly one, and a valid one, of HTTP/1.0 too";
const UNCOUNTED = "the controls do not count Max-Forwards";
const TWO_FRAMINGS = "two framings are a sign of smuggling; a control drops Content-Length";
const ONE_LENGTH = "one length only is understood; the RFC lets a recipient join equal ones";
const PASSED = { caller: "200", upstream: "1 request" };
const NOT_IMPLEMENTED = { caller: "501", upstream: "nothing" };
const PASSED_WHOLE = { "caller sees success": true, "upstream got a whole request": true };

export const requestDifferences: Differences = {
  "an absolute-form target never picks the upstream": {
    haproxy: { caller: "400", upstream: "nothing", target: "" },
    why: "haproxy wants the authority to be that of Host; the vault picks by the path and reads neither",
  },
  "the Host that arrives is the upstream's own": {
    nginx: { host: "host: raw", count: 1 },
    haproxy: { host: "host: localhost", count: 1 },
    why: "the vault sends the host of base_url; the controls send what their configuration says",
  },
  "two Host fields are refused": { haproxy: PASSED, why: ONE_HOST },
  "a request of HTTP/1.1 without Host is refused": { haproxy: PASSED, why: ONE_HOST },
  "a request of HTTP/1.0 without Host is refused": { nginx: PASSED, haproxy: PASSED, why: ONE_HOST },
  "a Host that is none is refused": { haproxy: PASSED, why: ONE_HOST },
  "an empty Host is refused": { haproxy: PASSED, why: ONE_HOST },
  "CONNECT is refused": {
    nginx: { caller: "400", upstream: "nothing" },
    haproxy: PASSED,
    why: "there are no tunnels here; haproxy opens them",
  },
  "a fragment in the target is refused": {
    nginx: { caller: "200", upstream: "1 request", target: "GET /x#y HTTP/1.1" },
    why: "a fragment is no part of a target",
  },
  "a request of HTTP/2.0 in this syntax is refused": {
    nginx: { caller: "505", upstream: "nothing" },
    haproxy: PASSED,
    why: "no such message exists; 505 of nginx would be as good",
  },
  "a request of HTTP/0.9 is refused": {
    nginx: { upstream: "1 request" },
    why: "nginx still speaks HTTP/0.9",
  },
  "hop-by-hop fields of a request go no further": {
    nginx: { arrived: ["proxy-connection", "trailer", "proxy-authorization", "http2-settings", "x-end"] },
    haproxy: {
      arrived: [
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "proxy-authorization",
        "http2-settings",
        "x-end",
      ],
    },
    why: "the controls drop those that they use themselves; the RFC wants all of them dropped",
  },
  "fields that Connection names in a request go no further": {
    nginx: { arrived: ["x-hop: 1", "x-other: 2", "x-end: 3"] },
    haproxy: { arrived: ["x-hop: 1", "x-other: 2", "x-end: 3"] },
    why: "the controls do not look at what Connection names; the RFC wants it dropped",
  },
  "repeated fields of a request keep order, letter case and lines": {
    haproxy: { arrived: ["x-list: b", "x-other: 1", "x-list: a, c", "x-list: "] },
    why: "haproxy writes names in lower case",
  },
  "a field name with an underscore arrives": {
    nginx: { arrived: [] },
    why: "nginx drops such fields by default; the vault drops those that could pass for a field that it drops",
  },
  "TE does not travel": {
    haproxy: { arrived: ["te: trailers"] },
    why: "haproxy passes trailers on in both directions; trailers of a request end at the vault",
  },
  "Max-Forwards of an OPTIONS request is counted down": {
    nginx: { arrived: ["max-forwards: 3"] },
    haproxy: { arrived: ["max-forwards: 3"] },
    why: UNCOUNTED,
  },
  "OPTIONS with Max-Forwards 0 is answered here": {
    nginx: { caller: "200", upstream: "1 request", allow: 0 },
    haproxy: { caller: "200", upstream: "1 request", allow: 0 },
    why: UNCOUNTED,
  },
  "Max-Forwards that is no number is refused": { nginx: PASSED, haproxy: PASSED, why: UNCOUNTED },
  "TRACE is refused": { haproxy: PASSED, why: "an answer to TRACE would show the injected credential" },
  "an upgrade to h2c is answered without upgrading": {
    nginx: { caller: "200", upstream: "1 request", arrived: ["http2-settings"] },
    haproxy: { caller: "200", upstream: "1 request", arrived: ["upgrade", "http2-settings"] },
    why: "HTTP2-Settings belongs to the upgrade, which does not travel",
  },
  "a parenthesis in a field name: refused in a request": { nginx: PASSED, why: AMBIGUOUS },
  "a byte outside of ASCII in a field name: refused in a request": { nginx: PASSED, why: AMBIGUOUS },
  "a line without a colon: refused in a request": { nginx: PASSED, why: AMBIGUOUS },
  "a folded line (obs-fold): refused in a request": { haproxy: PASSED, why: AMBIGUOUS },
  "a NUL in a field: refused in a request": {
    haproxy: { caller: "200", upstream: "something malformed" },
    why: AMBIGUOUS,
  },
  "a control character in a field: refused in a request": {
    nginx: { caller: "200", upstream: "something malformed" },
    haproxy: { caller: "200", upstream: "something malformed" },
    why: AMBIGUOUS,
  },
  "a bare LF at the end of a field: refused in a request": { nginx: PASSED, haproxy: PASSED, why: AMBIGUOUS },
  "a head whose lines all end in LF alone is refused": { nginx: PASSED, haproxy: PASSED, why: AMBIGUOUS },
  "Content-Length beside Transfer-Encoding: refused in a request": { haproxy: PASSED, why: TWO_FRAMINGS },
  "Transfer-Encoding beside Content-Length: refused in a request": { haproxy: PASSED, why: TWO_FRAMINGS },
  "two lengths that agree: refused in a request": { haproxy: PASSED, why: ONE_LENGTH },
  "a list of lengths: refused in a request": { haproxy: PASSED, why: ONE_LENGTH },
  "the coding gzip: refused in a request": { nginx: NOT_IMPLEMENTED, why: REFUSED_BY_ALL },
  "the coding gzip, chunked: refused in a request": {
    nginx: NOT_IMPLEMENTED,
    haproxy: { caller: "422", upstream: "nothing" },
    why: REFUSED_BY_ALL,
  },
  "the coding chunked, gzip: refused in a request": { nginx: NOT_IMPLEMENTED, why: REFUSED_BY_ALL },
  "the coding identity, chunked: refused in a request": {
    nginx: NOT_IMPLEMENTED,
    haproxy: { caller: "422", upstream: "nothing" },
    why: REFUSED_BY_ALL,
  },
  "the coding chunked twice: refused in a request": { nginx: NOT_IMPLEMENTED, why: REFUSED_BY_ALL },
  "the coding xchunked: refused in a request": { nginx: NOT_IMPLEMENTED, why: REFUSED_BY_ALL },
  "a coding in quotes: refused in a request": { nginx: NOT_IMPLEMENTED, why: REFUSED_BY_ALL },
  "a coding behind a vertical tab: refused in a request": { nginx: NOT_IMPLEMENTED, why: REFUSED_BY_ALL },
  "an empty coding: refused in a request": { nginx: NOT_IMPLEMENTED, why: REFUSED_BY_ALL },
  "chunks in a request of HTTP/1.0 are refused or read as chunks": {
    nginx: { caller: "400", upstream: "nothing", body: "" },
    why: "the RFC allows both",
  },
  "a chunk size before a space: the request breaks off": {
    nginx: PASSED_WHOLE,
    haproxy: PASSED_WHOLE,
    why: AMBIGUOUS,
  },
  "a chunk size that ends in LF alone: the request breaks off": {
    nginx: PASSED_WHOLE,
    haproxy: PASSED_WHOLE,
    why: AMBIGUOUS,
  },
  "a chunk that ends in LF alone: the request breaks off": {
    nginx: PASSED_WHOLE,
    haproxy: PASSED_WHOLE,
    why: AMBIGUOUS,
  },
  "a chunk extension of 200 KB neither passes nor hurts": {
    nginx: PASSED_WHOLE,
    why: "no caller has use for it",
  },
  "trailers of a request are not merged into its fields": {
    haproxy: {
      caller: "200",
      upstream: "1 request",
      body: "hello",
      merged: 0,
      trailers: ["x-sum", "authorization"],
    },
    why: "the HTTP client library sends no trailers",
  },
  "a chunked request stays chunked": {
    nginx: { caller: "200", upstream: "1 request", body: "hello", framing: "length" },
    why: "nginx has read the whole body already, and knows its length",
  },
};
