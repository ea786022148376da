import {
  answer,
  callerGot,
  fieldsOf,
  rawFieldsOf,
  lookAtCaller,
  request,
  thenClose,
  TOKEN,
  type ConformanceCase,
  type Outcome,
  type Seen,
} from "../conformance-case.js";

const namesArrived =
  (...names: string[]) =>
  ({ answers }: Seen): Outcome => ({
    arrived: fieldsOf(answers[0], ...names).map((line) => line.replace(/:.*/, "")),
  });

const arrived =
  (...names: string[]) =>
  (seen: Seen): Outcome => ({ arrived: fieldsOf(seen.answers[0], ...names) });

const GET = request("GET /x");
const LENGTH = "Content-Length: 2";
const withTrailers = (...trailers: string[]): string =>
  answer(
    ["Transfer-Encoding: chunked", "Trailer: X-Sum"],
    ["2\r\nok\r\n0", ...trailers, "", ""].join("\r\n"),
  );

const lookAtTrailers = (seen: Seen): Outcome => ({
  caller: callerGot(seen),
  merged: fieldsOf(seen.answers[0], "x-sum").length,
  trailers: seen.answers[0]?.trailers.map(([name, value]) => `${name.toLowerCase()}: ${value}`) ?? [],
});

export const answerFieldCases: readonly ConformanceCase[] = [
  {
    rule: "RFC 9110 §7.6.1",
    name: "hop-by-hop fields of an answer go no further",
    send: GET,
    upstream: answer(
      [
        ...["Keep-Alive: timeout=9", "Proxy-Connection: keep-alive", "Upgrade: h2c", "Trailer: X-Sum"],
        ...["Proxy-Authenticate: Basic", "TE: x", "X-End: 1", LENGTH],
      ],
      "ok",
    ),
    look: namesArrived(
      ...["keep-alive", "proxy-connection", "upgrade", "trailer", "proxy-authenticate", "te", "x-end"],
    ),
    vault: { arrived: ["x-end"] },
  },
  {
    rule: "RFC 9110 §7.6.1",
    name: "fields that Connection names in an answer go no further",
    send: GET,
    upstream: answer(["X-Hop: 1", "Connection: x-hop, X-Other", "X-Other: 2", "X-End: 3", LENGTH], "ok"),
    look: arrived("x-hop", "x-other", "x-end"),
    vault: { arrived: ["x-end: 3"] },
  },
  {
    rule: "RFC 9110 §5.3",
    name: "repeated fields of an answer keep order, letter case and lines",
    send: GET,
    upstream: answer(["X-List: b", "x-Other: 1", "x-list: a, c", "X-List: ", LENGTH], "ok"),
    look: ({ answers }) => ({ arrived: rawFieldsOf(answers[0], "x-list", "x-other") }),
    vault: { arrived: ["X-List: b", "x-Other: 1", "x-list: a, c", "X-List: "] },
  },
  {
    rule: "RFC 9110 §5.3",
    name: "Set-Cookie is never joined; the vault keeps it",
    send: GET,
    upstream: answer(["Set-Cookie: a=1", "Set-Cookie: b=2", LENGTH], "ok"),
    look: arrived("set-cookie"),
    vault: { arrived: [] },
  },
  {
    rule: "RFC 9110 §5.5",
    name: "bytes outside of ASCII in an answer's field arrive as they are",
    send: GET,
    upstream: answer(["X-Name: caf\xe9 \xc3\xa9 \xff", LENGTH], "ok"),
    look: arrived("x-name"),
    vault: { arrived: ["x-name: caf\xe9 \xc3\xa9 \xff"] },
  },
  {
    rule: "RFC 9112 §4",
    name: "the reason phrase arrives",
    send: GET,
    upstream: answer([LENGTH], "no", "HTTP/1.1 404 Not here, sorry"),
    look: ({ answers }) => ({ startLine: answers[0]?.startLine ?? "" }),
    vault: { startLine: "HTTP/1.1 404 Not here, sorry" },
  },
  {
    rule: "RFC 9112 §7.1.2",
    name: "trailers of an answer arrive as trailers",
    send: GET,
    upstream: withTrailers("X-Sum: 1", "x-sum: 2"),
    look: lookAtTrailers,
    vault: { caller: "200", merged: 0, trailers: ["x-sum: 1", "x-sum: 2"] },
  },
  {
    rule: "RFC 9110 §6.5.1",
    name: "what must not stand in trailers is dropped there",
    send: GET,
    upstream: withTrailers("Content-Type: text/html", "Age: 1", "Set-Cookie: a=1", "X-Sum: 1"),
    look: lookAtTrailers,
    vault: { caller: "200", merged: 0, trailers: ["x-sum: 1"] },
  },
  {
    rule: "RFC 9110 §6.5.1",
    name: "Content-Length in a trailer is not believed",
    send: GET,
    upstream: withTrailers("Content-Length: 9"),
    look: (seen) => ({ caller: callerGot(seen), trailers: lookAtTrailers(seen).trailers ?? "" }),
    vault: { caller: "502", trailers: [] },
  },
  {
    rule: "RFC 9110 §6.5.1",
    name: "a caller of HTTP/1.0 gets no trailers and no chunks",
    send: `GET /proxy/raw/x HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`,
    upstream: withTrailers("X-Sum: 1"),
    look: (seen) => ({ ...lookAtTrailers(seen), body: seen.answers[0]?.body ?? "" }),
    vault: { caller: "200", merged: 0, trailers: [], body: "ok" },
  },
  ...(
    [
      ["a space before the colon", "X-Name : 1"],
      ["a space inside of a field name", "X Name: 1"],
      ["a byte outside of ASCII in a field name", "X-N\xe4me: 1"],
      ["an empty field name", ": 1"],
      ["a line without a colon", "X-Name"],
      ["a NUL in a field", "X-Name: a\x00b"],
      ["a control character in a field", "X-Name: a\x01b"],
      ["a bare CR in a field", "X-Name: a\rb"],
      ["a bare CR before another field", "X-Name: a\rX-Other: b"],
      ["a bare LF at the end of a field", "X-Name: a\nX-Other: b"],
    ] as const
  ).map(([what, line]): ConformanceCase => {
    const section = what.includes("colon") ? "§5.1" : "§2.2, §5";
    return {
      rule: `RFC 9112 ${section}`,
      name: `${what}: the answer is 502`,
      send: GET,
      upstream: thenClose(answer([line, LENGTH], "ok")),
      look: lookAtCaller,
      vault: { caller: "502" },
    };
  }),
  {
    rule: "RFC 9112 §5.2",
    name: "a folded line (obs-fold) of an answer is refused or unfolded",
    send: GET,
    upstream: thenClose(answer(["X-Name: 1\r\n 2", LENGTH], "ok")),
    look: (seen) => ({ ...lookAtCaller(seen), ...arrived("x-name")(seen) }),
    vault: { caller: "502", arrived: [] },
  },
  {
    rule: "RFC 9110 §5.4",
    name: "200 KB of fields are 502",
    send: GET,
    upstream: thenClose(answer([...Array<string>(200).fill(`X-Pad: ${"x".repeat(1000)}`), LENGTH], "ok")),
    look: lookAtCaller,
    vault: { caller: "502" },
  },
  {
    rule: "RFC 9110 §5.4",
    name: "one field of 200 KB is 502",
    send: GET,
    upstream: thenClose(answer([`X-Pad: ${"x".repeat(200_000)}`, LENGTH], "ok")),
    look: lookAtCaller,
    vault: { caller: "502" },
  },
];
