/** A reverse proxy by http-proxy, with connections to the upstream kept open. */
import { Agent, createServer } from "node:http";
import { Agent as TlsAgent } from "node:https";
import httpProxy from "http-proxy";
import { origins, tellAddress } from "./proxy-settings.mjs";

const proxies = {};
for (const [name, target] of Object.entries(origins)) {
  const agent = new (target.startsWith("https:") ? TlsAgent : Agent)({ keepAlive: true });
  const proxy = httpProxy.createProxyServer({ target, agent });
  proxy.on("error", (_error, _request, response) => response.destroy());
  proxies[name] = proxy;
}
const server = createServer((request, response) => {
  const [, name] = request.url.split("/", 2);
  request.url = request.url.slice(name.length + 1);
  proxies[name].web(request, response, { headers: { Authorization: `Bearer ${process.env.KEY}` } });
});
server.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => tellAddress(server.address()));
