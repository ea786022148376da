/**
 * An upstream that sends an event every 20 ms on each connection, each a chunk of its own (RFC 9112 §7.1), with the time at
 * which it was sent. Bare sockets, so that it costs little beside what is measured.
 */
import { createServer } from "node:net";

const EVERY_MS = 20;
const HEAD =
  "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n";

const server = createServer({ noDelay: true }, (socket) => {
  let timer;
  const send = () => {
    const event = `data: ${process.hrtime.bigint()} an event\n\n`;
    socket.write(`${event.length.toString(16)}\r\n${event}\r\n`);
  };
  socket.once("data", () => {
    socket.write(HEAD);
    send();
    timer = setInterval(send, EVERY_MS);
  });
  socket.on("error", () => undefined).on("close", () => clearInterval(timer));
});
server.listen(0, "127.0.0.1", 2048, () => {
  process.stdout.write(`listening on http://127.0.0.1:${server.address().port}\n`);
});
