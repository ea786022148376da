import {
  fieldsOf,
  lookAtBoth,
  TOKEN,
  type ConformanceCase,
  type Outcome,
  type Seen,
} from "../conformance-case.js";

const REFUSED = { caller: "400", upstream: "nothing" };
const PASSED = { caller: "200", upstream: "1 request" };

const raw = (startLine: string, ...lines: string[]): string =>
  [startLine, `Authorization: Bearer ${TOKEN}`, "Connection: close", ...lines, "", ""].join("\r\n");

const startLine = (seen: Seen): Outcome => ({
  ...lookAtBoth(seen),
  // The controls are called by the same path and pass on all of it.
  target: (seen.requests[0]?.startLine ?? "").replace("/proxy/raw", ""),
});

export const targetCases: readonly ConformanceCase[] = [
  {
    rule: "RFC 9112 §3.2.2",
    name: "an absolute-form target never picks the upstream",
    send: raw("GET http://169.254.169.254/proxy/raw/x?q=1 HTTP/1.1", "Host: localhost"),
    look: startLine,
    vault: { ...PASSED, target: "GET /x?q=1 HTTP/1.1" },
  },
  {
    rule: "RFC 9112 §3.2",
    name: "the Host that arrives is the upstream's own",
    send: raw("GET /proxy/raw/x HTTP/1.1", "Host: localhost"),
    look: ({ requests }) => ({
      host: fieldsOf(requests[0], "host").join().replace(/:\d+$/, ""),
      count: fieldsOf(requests[0], "host").length,
    }),
    vault: { host: "host: 127.0.0.1", count: 1 },
  },
  {
    rule: "RFC 9112 §3.2",
    name: "two Host fields are refused",
    send: raw("GET /proxy/raw/x HTTP/1.1", "Host: localhost", "Host: localhost"),
    look: lookAtBoth,
    vault: REFUSED,
  },
  {
    rule: "RFC 9112 §3.2",
    name: "a request of HTTP/1.1 without Host is refused",
    send: raw("GET /proxy/raw/x HTTP/1.1"),
    look: lookAtBoth,
    vault: REFUSED,
  },
  {
    rule: "RFC 9112 §3.2",
    name: "a request of HTTP/1.0 without Host is refused",
    send: raw("GET /proxy/raw/x HTTP/1.0"),
    look: lookAtBoth,
    vault: REFUSED,
  },
  {
    rule: "RFC 9112 §3.2",
    name: "a Host that is none is refused",
    send: raw("GET /proxy/raw/x HTTP/1.1", "Host: local host/x"),
    look: lookAtBoth,
    vault: REFUSED,
  },
  {
    rule: "RFC 9112 §3.2",
    name: "an empty Host is refused",
    send: raw("GET /proxy/raw/x HTTP/1.1", "Host: "),
    look: lookAtBoth,
    vault: REFUSED,
  },
  {
    rule: "RFC 9110 §9.3.6",
    name: "CONNECT is refused",
    send: async ({ socket, write, receive }) => {
      write(raw("CONNECT example.org:443 HTTP/1.1", "Host: example.org:443"));
      await receive(/\r\n\r\n/);
      socket.end();
    },
    methods: ["CONNECT"],
    look: lookAtBoth,
    vault: { caller: "405", upstream: "nothing" },
  },
  {
    rule: "RFC 9112 §3",
    name: "a space in the target is refused",
    send: raw("GET /proxy/raw/x y HTTP/1.1", "Host: localhost"),
    look: lookAtBoth,
    vault: REFUSED,
  },
  {
    rule: "RFC 9112 §3",
    name: "a bare CR in the request line is refused",
    send: raw("GET /proxy/raw/x\r HTTP/1.1", "Host: localhost"),
    look: lookAtBoth,
    vault: REFUSED,
  },
  {
    rule: "RFC 9112 §3",
    name: "a fragment in the target is refused",
    send: raw("GET /proxy/raw/x#y HTTP/1.1", "Host: localhost"),
    look: startLine,
    vault: { ...REFUSED, target: "" },
  },
  {
    rule: "RFC 9112 §3.2.1",
    name: "the target arrives byte for byte",
    send: raw("GET /proxy/raw//a%2Fb/%7e%7E/;p=1/'()*!?q=%20+&r HTTP/1.1", "Host: localhost"),
    look: startLine,
    vault: { ...PASSED, target: "GET //a%2Fb/%7e%7E/;p=1/'()*!?q=%20+&r HTTP/1.1" },
  },
  {
    rule: "RFC 9112 §2.3",
    name: "a request of HTTP/2.0 in this syntax is refused",
    send: raw("GET /proxy/raw/x HTTP/2.0", "Host: localhost"),
    look: lookAtBoth,
    vault: REFUSED,
  },
  {
    rule: "RFC 9112 §2.3",
    name: "a request of HTTP/0.9 is refused",
    send: ["GET /proxy/raw/x\r\n", 20, "\r\n"],
    look: (seen) => ({ upstream: lookAtBoth(seen).upstream ?? "" }),
    vault: { upstream: "nothing" },
  },
];
