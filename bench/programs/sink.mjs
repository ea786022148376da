/** An upstream that takes bodies and answers, after their end, how long they were. */
import { createServer } from "node:http";

const server = createServer({ highWaterMark: 256 * 1024 }, (request, response) => {
  let bytes = 0;
  request.on("data", (chunk) => (bytes += chunk.length));
  request.on("end", () => response.end(String(bytes)));
});
server.requestTimeout = 0;
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`listening on http://127.0.0.1:${server.address().port}\n`);
});
