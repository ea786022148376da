import { createHash } from "node:crypto";
import { asField, CRLF, type EchoForm, echoOf, type Received, sendable, slowly } from "./echo-form.js";
import { base64, join, type MarkedText, slice } from "./marked-text.js";

const WEB_SOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const WEB_SOCKET_KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const CLOSE_FRAME = Buffer.from([0x88, 0x00]);

/** An unmasked frame (RFC 6455 §5.2), as a server sends it. */
function frame(first: number, payload: MarkedText): MarkedText {
  const { length } = payload.bytes;
  const size = length < 126 ? [length] : [126, length >> 8, length & 0xff];
  const framing = Buffer.from([first, ...size]);
  return join({ bytes: framing, mask: Buffer.alloc(framing.length) }, payload);
}

const TEXT_FRAME = 0x81;

const webSocketBodies: readonly [name: string, frames: (echo: MarkedText) => MarkedText[]][] = [
  ["one text frame", (echo) => [frame(TEXT_FRAME, echo)]],
  ["two text frames", (echo) => [frame(TEXT_FRAME, echo), frame(TEXT_FRAME, echo)]],
  ["a binary frame", (echo) => [frame(0x82, echo)]],
  [
    "a message in two frames, each with a whole secret or none",
    (echo) => {
      const middle = echo.mask.indexOf(0, echo.mask.indexOf(1));
      return [frame(0x01, slice(echo, 0, middle)), frame(0x80, slice(echo, middle, echo.bytes.length))];
    },
  ],
  ["Base64 in a text frame", (echo) => [frame(TEXT_FRAME, base64(echo, "base64"))]],
];

export const webSocketForms: readonly EchoForm[] = webSocketBodies.flatMap(([name, frames]) =>
  [false, true].map((isSplit) => ({
    name: `a WebSocket: ${name}${isSplit ? ", a write for every byte" : ""}`,
    requestFields: [
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      `Sec-WebSocket-Key: ${WEB_SOCKET_KEY}`,
      "Sec-WebSocket-Extensions: permessage-deflate",
    ],
    answer: (received: Received) => {
      const accept = createHash("sha1")
        .update(WEB_SOCKET_KEY + WEB_SOCKET_GUID)
        .digest("base64");
      const [line, field] = asField("X-Got", received, sendable(received));
      const opening = Buffer.concat([
        Buffer.from("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"),
        Buffer.from(`Sec-WebSocket-Accept: ${accept}\r\n`),
        line,
        Buffer.from(CRLF),
      ]);
      const body = join(...frames(echoOf(received)), { bytes: CLOSE_FRAME, mask: Buffer.alloc(2) });
      return {
        writes: [opening, 10, ...(isSplit ? slowly(body, (byte) => byte) : [body.bytes])],
        closes: true,
        expected: { status: 101, fields: [field], body },
      };
    },
  })),
);
