/** A reverse proxy by @fastify/http-proxy. */
import fastify from "fastify";
import fastifyHttpProxy from "@fastify/http-proxy";
import { origins, tellAddress } from "./proxy-settings.mjs";

const app = fastify();
for (const [name, upstream] of Object.entries(origins)) {
  await app.register(fastifyHttpProxy, {
    upstream,
    prefix: `/${name}`,
    replyOptions: {
      rewriteRequestHeaders: (_request, headers) => ({
        ...headers,
        authorization: `Bearer ${process.env.KEY}`,
      }),
    },
  });
}
await app.listen({ host: "127.0.0.1", port: Number(process.env.PORT ?? 0) });
tellAddress(app.server.address());
