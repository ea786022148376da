/** A reverse proxy as Hono's documentation shows it, by its `proxy()` helper. */
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { origins, tellAddress } from "./proxy-settings.mjs";

const require = createRequire(new URL("../../packages/server/package.json", import.meta.url));
const load = (name) => import(pathToFileURL(require.resolve(name)).href);
const { Hono } = await load("hono");
const { proxy } = await load("hono/proxy");
const { serve } = await load("@hono/node-server");

const app = new Hono();
for (const [name, origin] of Object.entries(origins)) {
  app.all(`/${name}/*`, (context) =>
    proxy(origin + context.req.path.slice(name.length + 1), {
      ...context.req,
      headers: { ...context.req.header(), Authorization: `Bearer ${process.env.KEY}` },
    }),
  );
}
serve({ fetch: app.fetch, hostname: "127.0.0.1", port: Number(process.env.PORT ?? 0) }, tellAddress);
