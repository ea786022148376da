/**
 * The least that stands between a client and a server on Node: `pipe`, both ways. What is left below it, no session on Node can
 * save. Its argument is the port of the server.
 */
import { connect, createServer } from "node:net";

const to = Number(process.argv[2]);
const server = createServer({ noDelay: true }, (client) => {
  const upstream = connect({ port: to, host: "127.0.0.1", noDelay: true });
  client.pipe(upstream).pipe(client);
  const end = () => {
    client.destroy();
    upstream.destroy();
  };
  client.on("error", end);
  upstream.on("error", end);
});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`listening on ${server.address().port}\n`);
});
