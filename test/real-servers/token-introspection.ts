import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface TokenIntrospection {
  readonly url: string;
  /** The user of each access token that is active. A test may change it at any time. */
  readonly tokens: Map<string, string>;
  close(): Promise<void>;
}

/** An endpoint as of RFC 7662 on a loopback port. */
export async function startTokenIntrospection(): Promise<TokenIntrospection> {
  const tokens = new Map<string, string>();
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const username = tokens.get(new URLSearchParams(body).get("token") ?? "");
      const answer = username === undefined ? { active: false } : { active: true, username };
      response.setHeader("Content-Type", "application/json").end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/introspect`,
    tokens,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
