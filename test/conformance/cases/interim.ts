import {
  answer,
  callerGot,
  fieldsOf,
  inPieces,
  lookAtBoth,
  OK,
  post,
  request,
  thenClose,
  TOKEN,
  upstreamGot,
  type ConformanceCase,
  type Outcome,
  type Seen,
} from "../conformance-case.js";
import { statusOf } from "../http-messages.js";
import type { UpstreamScript } from "../scripted-upstream.js";

const GET = request("GET /x");
const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";
const HINTS = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n";

const both = (seen: Seen): Outcome => ({
  interim: seen.interim.map((each) => String(statusOf(each))),
  caller: callerGot(seen),
});

/** An upstream that wants to be waited for, where the intermediary leaves that to it. */
const answersExpectation: UpstreamScript = {
  onHead(socket, message) {
    if (fieldsOf(message, "expect").length > 0) socket.write(CONTINUE);
  },
  onRequest: (socket) => socket.write(OK),
};

const waitForContinue: ConformanceCase["send"] = async ({ write, receive }) => {
  write(post("", "Expect: 100-continue", "Content-Length: 5"));
  await receive(/^HTTP\/1\.1 /);
  write("hello");
};

export const interimCases: readonly ConformanceCase[] = [
  {
    rule: "RFC 9110 §10.1.1",
    name: "Expect: 100-continue is answered at once, and goes no further",
    send: waitForContinue,
    methods: ["POST"],
    upstream: answersExpectation,
    look: (seen) => ({
      ...both(seen),
      upstream: upstreamGot(seen),
      body: seen.requests[0]?.body ?? "",
      expect: fieldsOf(seen.requests[0], "expect").length,
    }),
    vault: { interim: ["100"], caller: "200", upstream: "1 request", body: "hello", expect: 0 },
  },
  {
    rule: "RFC 9110 §10.1.1",
    name: "a refusal comes instead of 100 Continue",
    send: async (caller) => {
      caller.write(post("", "Expect: 100-continue", "Content-Length: 5").replace("Host: localhost\r\n", ""));
      await caller.receive(/^HTTP\/1\.1 /);
      caller.write("hello");
    },
    methods: ["POST"],
    upstream: answersExpectation,
    look: (seen) => ({ ...both(seen), upstream: upstreamGot(seen) }),
    vault: { interim: [], caller: "400", upstream: "nothing" },
  },
  {
    rule: "RFC 9110 §10.1.1",
    name: "an expectation that is not understood is 417",
    send: request("GET /x", ["Expect: miracles"]),
    look: lookAtBoth,
    vault: { caller: "417", upstream: "nothing" },
  },
  {
    rule: "RFC 9110 §10.1.1",
    name: "an expectation that is not understood, beside one that is, is 417",
    send: post("hello", "Expect: 100-continue, miracles", "Content-Length: 5"),
    look: lookAtBoth,
    vault: { caller: "417", upstream: "nothing" },
  },
  {
    rule: "RFC 9110 §10.1.1",
    name: "a caller of HTTP/1.0 gets no 100 Continue",
    send: post("hello", "Expect: 100-continue", "Content-Length: 5").replace("HTTP/1.1", "HTTP/1.0"),
    upstream: answersExpectation,
    look: (seen) => ({ ...both(seen), upstream: upstreamGot(seen) }),
    vault: { interim: [], caller: "200", upstream: "1 request" },
  },
  {
    rule: "RFC 9110 §15.2.1",
    name: "100 Continue that nobody asked for is read over",
    send: GET,
    upstream: thenClose(CONTINUE + OK),
    look: both,
    vault: { interim: [], caller: "200" },
  },
  {
    rule: "RFC 9110 §15.2.1",
    name: "100 Continue that nobody asked for is read over in pieces too, and more than once",
    send: GET,
    upstream: inPieces(
      (`${CONTINUE}HTTP/1.1 100 Continue\r\nX-Note: 1\r\n\r\n${OK}`.match(/[^]{1,7}/g) ?? []) as string[],
      3,
    ),
    look: both,
    vault: { interim: [], caller: "200" },
  },
  {
    rule: "RFC 9110 §15.2.1",
    name: "100 Continue of the upstream before the whole of a POST is read over",
    send: [post("", "Content-Length: 5"), 30, "hello"],
    upstream: {
      onHead: (socket) => socket.write(CONTINUE),
      onRequest: (socket) => socket.end(OK),
    },
    look: (seen) => ({ ...both(seen), upstream: upstreamGot(seen) }),
    vault: { interim: [], caller: "200", upstream: "1 request" },
  },
  {
    rule: "RFC 9110 §15.2.1",
    name: "a body that reads like 100 Continue arrives",
    send: GET,
    upstream: inPieces([answer([`Content-Length: ${CONTINUE.length + 2}`]), CONTINUE, "ok"]),
    look: (seen) => ({ ...both(seen), body: seen.answers[0]?.body ?? "" }),
    vault: { interim: [], caller: "200", body: `${CONTINUE}ok` },
  },
  {
    rule: "RFC 9110 §15.2",
    name: "103 Early Hints passes, the answer after it",
    send: GET,
    upstream: inPieces([HINTS, HINTS, OK]),
    look: (seen) => ({ ...both(seen), link: fieldsOf(seen.interim[0], "link") }),
    vault: { interim: ["103", "103"], caller: "200", link: ["link: </a.css>; rel=preload"] },
  },
  {
    rule: "RFC 9110 §15.2",
    name: "103 between two 100 passes",
    send: GET,
    upstream: thenClose(CONTINUE + HINTS + CONTINUE + OK),
    look: both,
    vault: { interim: ["103"], caller: "200" },
  },
  {
    rule: "RFC 9110 §15.2",
    name: "a caller of HTTP/1.0 gets no interim answer",
    send: `GET /proxy/raw/x HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`,
    upstream: thenClose(HINTS + OK),
    look: both,
    vault: { interim: [], caller: "200" },
  },
  {
    rule: "RFC 9110 §7.8",
    name: "101 that nobody asked for is 502",
    send: GET,
    upstream: thenClose(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nbytes",
    ),
    look: both,
    vault: { interim: [], caller: "502" },
  },
];
