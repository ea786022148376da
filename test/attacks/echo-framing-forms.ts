import {
  chunk,
  type EchoForm,
  echoOf,
  head,
  LAST_CHUNK,
  LONG_SILENCE_MS,
  refused,
  statusLine,
  eachByte,
  slowly,
} from "./echo-form.js";
import { join, plain, slice } from "./marked-text.js";
import { json } from "./text-encoders.js";

export const framings: readonly EchoForm[] = [
  {
    name: "one chunk",
    answer: (received) => {
      const body = echoOf(received);
      const lines = [statusLine, "Content-Type: text/plain", "Transfer-Encoding: chunked"];
      return { writes: [head(...lines), chunk(body.bytes), LAST_CHUNK], expected: { status: 200, body } };
    },
  },
  {
    name: "a chunk for every byte",
    answer: (received) => {
      const body = echoOf(received);
      const lines = [statusLine, "Content-Type: text/plain", "Transfer-Encoding: chunked"];
      return {
        writes: [head(...lines), ...eachByte(body.bytes).map(chunk), LAST_CHUNK],
        expected: { status: 200, body },
      };
    },
  },
  {
    name: "a chunk for every byte, all in one write",
    answer: (received) => {
      const body = echoOf(received);
      const lines = [statusLine, "Content-Type: text/plain", "Transfer-Encoding: chunked"];
      const all = [head(...lines), ...eachByte(body.bytes).map(chunk), LAST_CHUNK];
      return { writes: [Buffer.concat(all)], expected: { status: 200, body } };
    },
  },
  {
    name: "a chunk for every byte, with silences",
    answer: (received) => {
      const body = echoOf(received);
      const lines = [statusLine, "Content-Type: text/event-stream", "Transfer-Encoding: chunked"];
      return {
        writes: [head(...lines), ...slowly(body, chunk), LAST_CHUNK],
        expected: { status: 200, body },
      };
    },
  },
  {
    name: "every byte by itself, with silences",
    answer: (received) => {
      const body = echoOf(received);
      const lines = [statusLine, "Content-Type: text/plain", `Content-Length: ${body.bytes.length}`];
      return { writes: [head(...lines), ...slowly(body, (byte) => byte)], expected: { status: 200, body } };
    },
  },
  {
    name: "the head at every byte too",
    answer: (received) => {
      const body = echoOf(received);
      const lines = [
        statusLine,
        `X-Got: ${received.needles[0] ?? ""}`,
        `Content-Length: ${body.bytes.length}`,
      ];
      return { writes: [...eachByte(head(...lines)), body.bytes], expected: { status: 200, body } };
    },
  },
  {
    name: "ended by the connection",
    answer: (received) => {
      const body = echoOf(received);
      const lines = [statusLine, "Content-Type: text/plain", "Connection: close"];
      return { writes: [head(...lines), body.bytes], closes: true, expected: { status: 200, body } };
    },
  },
  {
    name: "an answer that breaks off in the middle of a secret",
    answer: (received) => {
      const body = echoOf(received);
      const to = body.mask.lastIndexOf(1) - 12;
      const lines = [statusLine, "Content-Type: text/plain", `Content-Length: ${body.bytes.length}`];
      return {
        writes: [head(...lines), body.bytes.subarray(0, to), LONG_SILENCE_MS],
        closes: true,
        expected: { status: 200, isBroken: true },
      };
    },
  },
  {
    name: "events over which one event is split",
    answer: (received) => {
      const body = join(plain("data: "), echoOf(received, json), plain("\n\n"));
      const lines = [statusLine, "Content-Type: text/event-stream", "Transfer-Encoding: chunked"];
      const pieces: (Buffer | number)[] = [];
      for (let from = 0; from < body.bytes.length; from += 7) {
        pieces.push(chunk(body.bytes.subarray(from, from + 7)), from % 70 === 0 ? LONG_SILENCE_MS : 1);
      }
      return { writes: [head(...lines), ...pieces, LAST_CHUNK], expected: { status: 200, body } };
    },
  },
];

export const chunkGarbage: EchoForm = {
  name: "a chunk size that is none",
  answer: ({ needles }) => ({
    writes: [
      head(statusLine, "Transfer-Encoding: chunked"),
      chunk(Buffer.from("ok")),
      // A busy machine must not read both at once.
      250,
      Buffer.from(`${needles[0] ?? ""}\r\n`),
    ],
    closes: true,
    expected: { status: 200, isBroken: true },
  }),
};

export const chunkGarbageAtOnce: EchoForm = {
  name: "a chunk size that is none, in one piece with the head",
  answer: ({ needles }) => ({
    writes: [
      Buffer.concat([
        head(statusLine, "Transfer-Encoding: chunked"),
        chunk(Buffer.from("ok")),
        Buffer.from(`${needles[0] ?? ""}\r\n`),
      ]),
    ],
    closes: true,
    expected: refused,
  }),
};

/** A part of a text that begins and ends in the middle of a secret. */
export const partialForms: readonly EchoForm[] = [
  [8, 8],
  [6, 20],
  [17, 6],
  [31, 31],
].map(([start = 0, end = 0]) => ({
  name: `a 206 with ${start} bytes of a secret at its start and ${end} at its end`,
  requestFields: ["Range: bytes=10-"],
  answer: (received) => {
    const whole = echoOf(received);
    const firstEnd = whole.mask.indexOf(0, whole.mask.indexOf(1));
    const lastStart = whole.mask.lastIndexOf(0, whole.mask.lastIndexOf(1)) + 1;
    const [from, to] = [firstEnd - start, lastStart + end];
    const body = slice(whole, from, to);
    const range = `Content-Range: bytes ${from}-${to - 1}/${whole.bytes.length}`;
    const lines = [
      "HTTP/1.1 206 Partial",
      "Content-Type: text/plain",
      range,
      `Content-Length: ${body.bytes.length}`,
    ];
    return { writes: [head(...lines), body.bytes], expected: { status: 206, body } };
  },
}));

export const insideForm: EchoForm = {
  name: "a 206 that is the inside of a secret",
  requestFields: ["Range: bytes=10-21"],
  answer: (received) => {
    const whole = echoOf(received);
    const from = whole.mask.indexOf(1) + 5;
    const body = slice(whole, from, from + 12);
    const lines = [
      "HTTP/1.1 206 Partial",
      `Content-Range: bytes ${from}-${from + 11}/*`,
      "Content-Length: 12",
    ];
    return { writes: [head(...lines), body.bytes], expected: { status: 206, body } };
  },
};
