import {
  callerGot,
  fieldsOf,
  rawFieldsOf,
  keptRequest,
  lookAtBoth,
  post,
  request,
  TOKEN,
  upstreamGot,
  type ConformanceCase,
  type Outcome,
  type Seen,
} from "../conformance-case.js";

const PASSED = { caller: "200", upstream: "1 request" };
const REFUSED = { caller: "400", upstream: "nothing" };

const namesArrived =
  (...names: string[]) =>
  ({ requests }: Seen): Outcome => ({
    arrived: fieldsOf(requests[0], ...names).map((line) => line.replace(/:.*/, "")),
  });

const arrived =
  (...names: string[]) =>
  (seen: Seen): Outcome => ({ arrived: fieldsOf(seen.requests[0], ...names) });

/** A request whose head is written by hand: nothing behind it but the empty line. */
const raw = (...lines: string[]): string =>
  ["GET /proxy/raw/x HTTP/1.1", ...lines, "Host: localhost", `Authorization: Bearer ${TOKEN}`]
    .concat("Connection: close", "", "")
    .join("\r\n");

export const requestFieldCases: readonly ConformanceCase[] = [
  {
    rule: "RFC 9110 §7.6.1",
    name: "hop-by-hop fields of a request go no further",
    send: request("GET /x", [
      ...["Keep-Alive: timeout=9", "Proxy-Connection: keep-alive", "TE: trailers", "Trailer: X-Sum"],
      ...["Proxy-Authorization: Basic Zm9v", "HTTP2-Settings: AAMAAABkAAQAAP__", "X-End: 1"],
    ]),
    look: namesArrived(
      ...[
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "proxy-authorization",
        "http2-settings",
        "x-end",
      ],
    ),
    vault: { arrived: ["x-end"] },
  },
  {
    rule: "RFC 9110 §7.6.1",
    name: "fields that Connection names in a request go no further",
    send: request("GET /x", ["X-Hop: 1", "Connection: x-hop, X-Other", "X-Other: 2", "X-End: 3"]),
    look: arrived("x-hop", "x-other", "x-end"),
    vault: { arrived: ["x-end: 3"] },
  },
  {
    rule: "RFC 9110 §7.6.1",
    name: "Connection cannot name the framing away",
    send: post("hello", "Connection: close, content-length, host", "Content-Length: 5"),
    look: (seen) => ({
      upstream: upstreamGot(seen),
      body: seen.requests[0]?.body ?? "",
      hosts: fieldsOf(seen.requests[0], "host").length,
    }),
    vault: { upstream: "1 request", body: "hello", hosts: 1 },
  },
  {
    rule: "RFC 9110 §5.3",
    name: "repeated fields of a request keep order, letter case and lines",
    send: request("GET /x", ["X-List: b", "x-Other: 1", "x-list: a, c", "X-List: "]),
    look: ({ requests }) => ({ arrived: rawFieldsOf(requests[0], "x-list", "x-other") }),
    vault: { arrived: ["X-List: b", "x-Other: 1", "x-list: a, c", "X-List: "] },
  },
  {
    rule: "RFC 9110 §5.5",
    name: "bytes outside of ASCII in a request's field arrive as they are",
    send: request("GET /x", ["X-Name: caf\xe9 \xc3\xa9 \xff"]),
    look: arrived("x-name"),
    vault: { arrived: ["x-name: caf\xe9 \xc3\xa9 \xff"] },
  },
  {
    rule: "RFC 9110 §5.1",
    name: "a field name with an underscore arrives",
    send: request("GET /x", ["X_Name: 1"]),
    look: arrived("x_name"),
    vault: { arrived: ["x_name: 1"] },
  },
  {
    rule: "RFC 9110 §10.1.4",
    name: "TE does not travel",
    send: request("GET /x", ["TE: gzip;q=0.5, trailers", "Connection: TE"]),
    look: arrived("te"),
    vault: { arrived: [] },
  },
  {
    rule: "RFC 9110 §7.6.3",
    name: "no Via is added, in either direction",
    send: request("GET /x"),
    look: ({ requests, answers }) => ({
      via: [...fieldsOf(requests[0], "via"), ...fieldsOf(answers[0], "via")],
    }),
    vault: { via: [] },
  },
  {
    rule: "RFC 9110 §7.6.2",
    name: "Max-Forwards of an OPTIONS request is counted down",
    send: request("OPTIONS /x", ["Max-Forwards: 3"]),
    look: arrived("max-forwards"),
    vault: { arrived: ["max-forwards: 2"] },
  },
  {
    rule: "RFC 9110 §7.6.2",
    name: "OPTIONS with Max-Forwards 0 is answered here",
    send: request("OPTIONS /x", ["Max-Forwards: 0"]),
    look: (seen) => ({ ...lookAtBoth(seen), allow: fieldsOf(seen.answers[0], "allow").length }),
    vault: { caller: "200", upstream: "nothing", allow: 1 },
  },
  {
    rule: "RFC 9110 §7.6.2",
    name: "Max-Forwards that is no number is refused",
    send: request("OPTIONS /x", ["Max-Forwards: 1x"]),
    look: lookAtBoth,
    vault: REFUSED,
  },
  {
    rule: "RFC 9110 §7.6.2",
    name: "Max-Forwards of a GET means nothing",
    send: request("GET /x", ["Max-Forwards: 0"]),
    look: (seen) => ({ ...lookAtBoth(seen), ...arrived("max-forwards")(seen) }),
    vault: { ...PASSED, arrived: ["max-forwards: 0"] },
  },
  {
    rule: "RFC 9110 §9.3.8",
    name: "TRACE is refused",
    send: request("TRACE /x", ["Max-Forwards: 1"]),
    look: lookAtBoth,
    vault: { caller: "405", upstream: "nothing" },
  },
  {
    rule: "RFC 9110 §7.8",
    name: "an upgrade to h2c is answered without upgrading",
    send: keptRequest("GET /x", [
      ...["Connection: Upgrade, HTTP2-Settings, close", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"],
    ]),
    look: (seen) => ({ ...lookAtBoth(seen), ...namesArrived("upgrade", "http2-settings")(seen) }),
    vault: { ...PASSED, arrived: [] },
  },
  {
    rule: "RFC 9110 §7.8",
    name: "a WebSocket that the upstream declines is answered with its answer",
    send: async ({ socket, write, receive }) => {
      const fields = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"];
      write(keptRequest("GET /x", [...fields, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]));
      await receive(/no$/);
      socket.end();
    },
    upstream: "HTTP/1.1 403 No\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno",
    look: (seen) => ({ caller: callerGot(seen), body: seen.answers[0]?.body ?? "" }),
    vault: { caller: "403", body: "no" },
  },
  ...(
    [
      ["a space before the colon", "X-Name : 1"],
      ["a tab before the colon", "X-Name\t: 1"],
      ["a space inside of a field name", "X Name: 1"],
      ["a parenthesis in a field name", "X(Name): 1"],
      ["a byte outside of ASCII in a field name", "X-N\xe4me: 1"],
      ["an empty field name", ": 1"],
      ["a line without a colon", "X-Name"],
      ["a folded line (obs-fold)", "X-Name: 1\r\n 2"],
      ["a folded first line (obs-fold)", " X-Name: 1"],
      ["a NUL in a field", "X-Name: a\x00b"],
      ["a control character in a field", "X-Name: a\x01b"],
      ["a bare CR in a field", "X-Name: a\rb"],
      ["a bare CR before another field", "X-Name: a\rX-Other: b"],
      ["a bare LF at the end of a field", "X-Name: a\nX-Other: b"],
    ] as const
  ).map(([what, line]): ConformanceCase => {
    const section = what.includes("colon") ? "§5.1" : what.includes("fold") ? "§5.2" : "§2.2, §5";
    return {
      rule: `RFC 9112 ${section}`,
      name: `${what}: refused in a request`,
      send: raw(line),
      look: lookAtBoth,
      vault: REFUSED,
    };
  }),
  {
    rule: "RFC 9112 §2.2",
    name: "a head whose lines all end in LF alone is refused",
    send: raw().replaceAll("\r\n", "\n"),
    look: lookAtBoth,
    vault: REFUSED,
  },
  {
    rule: "RFC 9110 §5.4",
    name: "a head of 70 KB is refused",
    send: request("GET /x", [`X-Pad: ${"x".repeat(70_000)}`]),
    look: (seen) => ({ refused: /^4\d\d/.test(callerGot(seen)), upstream: upstreamGot(seen) }),
    vault: { refused: true, upstream: "nothing" },
  },
];
