/**
 * A token endpoint that is slow, and the API that takes its tokens: tells, when it is asked, how many it has given out and
 * how many calls came with the newest.
 */
import { createServer } from "node:http";

const THINKING_MS = 200;

let given = 0;
let called = 0;
const server = createServer((request, response) => {
  request.resume().on("end", () => {
    const isToken = request.url === "/token";
    if (isToken) given += 1;
    else if (request.headers.authorization === `Bearer ${tokenOf(given)}`) called += 1;
    const answer = isToken
      ? { access_token: tokenOf(given), token_type: "Bearer", expires_in: 3600, refresh_token: `rt-${given}` }
      : { ok: true };
    const send = () =>
      response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(answer));
    if (isToken) setTimeout(send, THINKING_MS);
    else send();
  });
});
process.on("message", ({ counts }) => {
  if (counts) process.send({ given, called });
});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`listening on http://127.0.0.1:${server.address().port}\n`);
});

function tokenOf(number) {
  return `access-token-number-${number}-0123456789`;
}
