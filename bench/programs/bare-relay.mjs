/**
 * The least that a proxy on Node's HTTP server and undici does: one header added, the answer's head and body passed on as they
 * are. No token, no policy, no back-pressure, no time-outs: what is left below it, no such proxy can save.
 */
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { origins, tellAddress } from "./proxy-settings.mjs";

const { Pool } = createRequire(new URL("../../packages/server/package.json", import.meta.url))("undici");
const pools = Object.fromEntries(Object.entries(origins).map(([name, origin]) => [name, new Pool(origin)]));
const server = createServer((request, response) => {
  const [, name] = request.url.split("/", 2);
  const hasBody = request.headers["content-length"] !== undefined;
  const headers = request.rawHeaders.filter((_, index) => !/^host$/i.test(request.rawHeaders[index & ~1]));
  headers.push("Authorization", `Bearer ${process.env.KEY}`);
  pools[name].dispatch(
    {
      method: request.method,
      path: request.url.slice(name.length + 1),
      headers,
      body: hasBody ? request : null,
    },
    {
      onConnect: () => undefined,
      onHeaders(status, rawHeaders) {
        response.writeHead(
          status,
          rawHeaders.map((field) => field.toString("latin1")),
        );
        return true;
      },
      onData: (chunk) => response.write(chunk) || true,
      onComplete: () => void response.end(),
      onError: () => response.destroy(),
    },
  );
});
server.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => tellAddress(server.address()));
