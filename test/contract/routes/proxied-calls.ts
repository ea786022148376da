import type { RouteRow } from "../route-row.js";

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

function proxied(method: (typeof METHODS)[number]): RouteRow {
  return {
    route: `${method} /proxy/{service}/{path}`,
    access: "any",
    as: "proxy",
    request: ({ pass }) => ({ target: `/proxy/api-${pass}/things/%2F?q=1` }),
    status: 200,
    answers: method === "HEAD" ? "" : { echoed: `${method} /things/%2F?q=1` },
    faulty: {
      request: ({ pass }) => ({ target: `/proxy/api-${pass}/things/%2e%2e/up` }),
      names: method === "HEAD" ? "" : "path",
    },
    errors: [
      {
        name: "an unknown service",
        request: () => ({ target: "/proxy/nothing-of-that-name/things" }),
        status: 404,
        code: "not_found",
      },
    ],
    typescript: async (client, { pass }) => {
      const response = await client.proxy(`api-${pass}`, method, "/things/%2F?q=1");
      const text = await response.text();
      return text === "" ? "" : (JSON.parse(text) as unknown);
    },
    python: ({ pass }) => ({ method: "proxy", args: [`api-${pass}`, method, "/things/%2F?q=1"] }),
    givesInPython: {
      status: 200,
      text: method === "HEAD" ? "" : JSON.stringify({ echoed: `${method} /things/%2F?q=1` }),
    },
  };
}

export const PROXIED_CALLS: readonly RouteRow[] = METHODS.map(proxied);
