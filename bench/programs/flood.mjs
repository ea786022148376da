/** Takes any password as Redis does, and then sends all that it can. */
import { createServer } from "node:net";

const block = Buffer.alloc(256 * 1024);
const server = createServer((socket) => {
  const send = () => {
    while (!socket.destroyed && socket.write(block));
  };
  socket
    .on("error", () => undefined)
    .on("data", (chunk) => {
      if (chunk.includes("AUTH")) socket.write("+OK\r\n");
      if (chunk.includes("FLOOD")) (socket.on("drain", send), send());
    });
});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`listening on ${server.address().port}\n`);
});
