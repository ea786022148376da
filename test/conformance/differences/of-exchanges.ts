import type { Differences } from "../difference-table.js";

const NO_EXPECTATION = "the vault has answered the expectation itself, or there was none";
const HTTP_1_0 = "HTTP/1.0 has no interim answers; a caller would take it for the answer";
const EXPECTATION =
  "the vault answers expectations itself, after it has checked the call; haproxy leaves them to the upstream";
const TRIED_AGAIN = "what can be repeated is repeated; haproxy closes the caller's connection instead";
const SENT_ONCE = "the vault says 502; haproxy closes the caller's connection without an answer";
const PASSED = { caller: "200", upstream: "1 request" };

export const exchangeDifferences: Differences = {
  "Expect: 100-continue is answered at once, and goes no further": {
    haproxy: { interim: ["100"], caller: "200", upstream: "1 request", body: "hello", expect: 1 },
    why: EXPECTATION,
  },
  "a refusal comes instead of 100 Continue": {
    haproxy: { interim: ["100"], caller: "200", upstream: "1 request" },
    why: EXPECTATION,
  },
  "an expectation that is not understood is 417": {
    nginx: PASSED,
    haproxy: PASSED,
    why: "the RFC allows both",
  },
  "an expectation that is not understood, beside one that is, is 417": {
    nginx: PASSED,
    haproxy: PASSED,
    why: "the RFC allows both",
  },
  "a caller of HTTP/1.0 gets no 100 Continue": {
    haproxy: { interim: ["100"], caller: "200", upstream: "1 request" },
    why: HTTP_1_0,
  },
  "100 Continue that nobody asked for is read over": {
    nginx: { interim: ["100"], caller: "200" },
    haproxy: { interim: ["100"], caller: "200" },
    why: NO_EXPECTATION,
  },
  "100 Continue that nobody asked for is read over in pieces too, and more than once": {
    nginx: { interim: ["100", "100"], caller: "200" },
    haproxy: { interim: ["100", "100"], caller: "200" },
    why: NO_EXPECTATION,
  },
  "100 Continue of the upstream before the whole of a POST is read over": {
    nginx: { interim: ["100"], caller: "200", upstream: "1 request" },
    haproxy: { interim: ["100"], caller: "200", upstream: "1 request" },
    why: NO_EXPECTATION,
  },
  "103 between two 100 passes": {
    nginx: { interim: ["100", "103", "100"], caller: "200" },
    haproxy: { interim: ["100", "103", "100"], caller: "200" },
    why: NO_EXPECTATION,
  },
  "a caller of HTTP/1.0 gets no interim answer": {
    nginx: { interim: ["103"], caller: "200" },
    haproxy: { interim: ["103"], caller: "200" },
    why: HTTP_1_0,
  },
  "101 that nobody asked for is 502": {
    nginx: { interim: ["101"], caller: "malformed" },
    why: "nothing was offered that could be switched to",
  },
  "pipelined requests of mixed methods, refused ones among them, are answered in order": {
    nginx: { caller: "200 + 200 + 405", upstream: "2 requests" },
    haproxy: { caller: "200 + 200 + 200 + 200 + 200", upstream: "5 requests" },
    why: "nginx closes the connection after a refusal; haproxy refuses nothing here",
  },
  "100 Continue before each answer leaves the connections usable": {
    nginx: { caller: "200", upstream: "1 request", connections: 1 },
    why: "nginx takes 100 Continue that it did not ask for as the answer, and waits for its end",
  },
  "a GET on a kept connection that the upstream closes then (end) is tried once more": {
    haproxy: { caller: "200", upstream: "2 requests", connections: 1 },
    why: TRIED_AGAIN,
  },
  "a POST on a kept connection that the upstream closes then (end) is sent once": {
    haproxy: { posts: 1, connections: 1, answers: 1 },
    why: SENT_ONCE,
  },
  "a GET on a kept connection that the upstream closes then (reset) is tried once more": {
    haproxy: { caller: "200", upstream: "2 requests", connections: 1 },
    why: TRIED_AGAIN,
  },
  "a POST on a kept connection that the upstream closes then (reset) is sent once": {
    haproxy: { posts: 1, connections: 1, answers: 1 },
    why: SENT_ONCE,
  },
};
