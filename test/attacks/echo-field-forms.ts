import {
  asField,
  chunk,
  CRLF,
  type EchoAnswer,
  type EchoForm,
  head,
  refused,
  sendable,
  statusLine,
  TOKEN,
  asciiHeader,
} from "./echo-form.js";
import { join, mark, plain } from "./marked-text.js";
import { percent, asciiJson, html } from "./text-encoders.js";

function inFields(
  status: number,
  fields: readonly ReturnType<typeof asField>[],
  body = plain("{}"),
): EchoAnswer {
  const lines = fields.map(([line]) => line);
  const first = Buffer.from(`HTTP/1.1 ${status} OK\r\nContent-Type: application/json\r\n`);
  const last = Buffer.from(`Content-Length: ${body.bytes.length}\r\n\r\n`);
  return {
    writes: [Buffer.concat([first, ...lines, last, body.bytes])],
    expected: { status, fields: fields.map(([, field]) => field), body },
  };
}

export const fieldForms: readonly EchoForm[] = [
  {
    name: "a field's value",
    answer: (received) => inFields(200, [asField("X-Got", received, sendable(received))]),
  },
  {
    name: "values of several fields, encoded",
    answer: (received) =>
      inFields(200, [
        asField("X-Json", received, asciiJson),
        asField("X-Percent", received, percent),
        asField("X-Html", received, (text) => asciiHeader(html(text))),
        asField("X-Got", received, sendable(received)),
      ]),
  },
  {
    name: "a field that is repeated",
    answer: (received) => {
      const field = asField("X-Got", received, sendable(received));
      return inFields(200, [field, field, field]);
    },
  },
  {
    name: "a field's name",
    answer: (received) => {
      const name = received.needles.find((needle) => TOKEN.test(needle)) ?? received.needles[0] ?? "";
      const line = `${name}: 1`;
      const writes = [head(statusLine, line, "Content-Length: 0")];
      const [beforeColon = "", ...behindColon] = name.split(":");
      // With a colon in it, it makes a name and a value of itself.
      if (behindColon.length > 0 && TOKEN.test(beforeColon)) return { writes, expected: { status: 200 } };
      if (!TOKEN.test(name)) return { writes, closes: true, expected: refused };
      return {
        writes,
        expected: { status: 200, fields: [[mark(name, [name]), plain("1")]], body: plain("") },
      };
    },
  },
  {
    name: "WWW-Authenticate, ETag, Link and a Location of an error",
    answer: (received) =>
      inFields(401, [
        asField("WWW-Authenticate", received, sendable(received)),
        asField("Link", received, percent),
        asField("ETag", received, percent),
        asField("Content-Location", received, percent),
      ]),
  },
  {
    name: "fields that are dropped",
    answer: (received) => {
      const value = percent(received.needles[0] ?? "");
      const names = [
        "Set-Cookie",
        "X-Vault-Echo",
        "Access-Control-Allow-Origin",
        "Proxy-Authenticate",
        "Keep-Alive",
      ];
      const lines = [statusLine, ...names.map((name) => `${name}: ${value}`), "Content-Length: 2"];
      return { writes: [head(...lines), Buffer.from("ok")], expected: { status: 200, body: plain("ok") } };
    },
  },
  {
    name: "the reason phrase",
    answer: (received) => {
      const reason = mark(
        `got ${received.needles.join(" ")}`,
        received.needles,
        sendable(received),
        "latin1",
      );
      const first = Buffer.concat([Buffer.from("HTTP/1.1 200 "), reason.bytes, Buffer.from(CRLF)]);
      return {
        writes: [first, head("Content-Length: 2"), Buffer.from("ok")],
        expected: { status: 200, reason, body: plain("ok") },
      };
    },
  },
  {
    name: "a trailer",
    answer: (received) => {
      const [line, field] = asField("X-Got", received, sendable(received));
      const lines = [statusLine, "Transfer-Encoding: chunked", "Trailer: X-Got", "Content-Type: text/plain"];
      return {
        writes: [head(...lines), chunk(Buffer.from("ok")), Buffer.from("0\r\n"), line, Buffer.from(CRLF)],
        expected: { status: 200, body: plain("ok"), trailers: [field] },
      };
    },
  },
  {
    name: "103 Early Hints",
    answer: (received) => {
      const [line, field] = asField("Link", received, percent);
      return {
        writes: [
          Buffer.from("HTTP/1.1 103 Early Hints\r\n"),
          line,
          Buffer.from(CRLF),
          5,
          head("HTTP/1.1 200 OK", "Content-Length: 2"),
          Buffer.from("ok"),
        ],
        expected: { status: 200, body: plain("ok"), interim: [field] },
      };
    },
  },
  {
    name: "HEAD",
    method: "HEAD",
    answer: (received) => {
      const [line, field] = asField("X-Got", received, sendable(received));
      return {
        writes: [
          Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nContent-Type: text/plain\r\n"),
          line,
          Buffer.from(CRLF),
        ],
        expected: { status: 200, fields: [field, [plain("Content-Length"), plain("1234")]], body: plain("") },
      };
    },
  },
  {
    name: "304 Not Modified",
    answer: (received) => {
      const [line, field] = asField("X-Got", received, sendable(received));
      return {
        writes: [Buffer.from("HTTP/1.1 304 Not Modified\r\n"), line, Buffer.from(CRLF)],
        expected: { status: 304, fields: [field], body: plain("") },
      };
    },
  },
  ...["https://elsewhere.example/login?next=", "/login?next=", "login;next="].map((target): EchoForm => ({
    name: `a redirect to ${target}`,
    answer: (received) => {
      const value = join(plain(target), mark(received.target, received.needles, percent));
      const [, host = ""] = /^host: (.*)$/im.exec(received.head) ?? [];
      const expected = join(plain(target.startsWith("/") ? `http://${host}` : ""), value);
      return {
        writes: [
          Buffer.concat([
            Buffer.from("HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: "),
            value.bytes,
            Buffer.from("\r\n\r\n"),
          ]),
        ],
        expected: { status: 302, fields: [[plain("Location"), expected]], body: plain("") },
      };
    },
  })),
  {
    name: "a redirect to the same target",
    answer: (received) => {
      const value = mark(received.target, received.needles);
      return {
        writes: [
          Buffer.concat([
            Buffer.from("HTTP/1.1 307 Again\r\nContent-Length: 0\r\nLocation: "),
            value.bytes,
            Buffer.from("\r\n\r\n"),
          ]),
        ],
        expected: { status: 307, body: plain("") },
      };
    },
  },
];

/** Answers that are no HTTP; what the vault says of them must not quote them. */
export const garbageForms: readonly EchoForm[] = [
  { name: "a status line that is none", lines: (secret: string) => [secret, "Content-Length: 0"] },
  {
    name: "a status that is none",
    lines: (secret: string) => [`HTTP/1.1 ${secret} OK`, "Content-Length: 0"],
  },
  { name: "a line that is no field", lines: (secret: string) => [statusLine, secret, "Content-Length: 0"] },
  { name: "a length that is none", lines: (secret: string) => [statusLine, `Content-Length: ${secret}`] },
  {
    name: "an unknown transfer coding",
    lines: (secret: string) => [statusLine, `Transfer-Encoding: ${secret}`],
  },
  {
    name: "a value with a NUL",
    lines: (secret: string) => [statusLine, `X-Got: ${secret}\0`, "Content-Length: 0"],
  },
  {
    name: "headers too large",
    lines: (secret: string) => [statusLine, `X-Got: ${secret.repeat(3000)}`, "Content-Length: 0"],
  },
  {
    name: "an unknown content coding",
    lines: (secret: string) => [
      statusLine,
      "Content-Type: text/plain",
      `Content-Encoding: ${secret}`,
      "Content-Length: 0",
    ],
  },
].map(({ name, lines }) => ({
  name,
  answer: ({ needles }) => ({
    writes: [head(...lines(percent(needles[0] ?? "")))],
    closes: true,
    expected: refused,
  }),
}));
