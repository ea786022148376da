import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Agent, request as httpsRequest } from "node:https";
import { RESOURCE_SERVER } from "./provider-clients.js";

export const API_PATH = "/api/";

/** A call as it reached the protected API. */
export interface ApiCall {
  readonly method: string;
  readonly target: string;
  /** The access token it came with; empty if there was none. */
  readonly token: string;
  readonly status: number;
}

interface Introspected {
  readonly active: boolean;
  readonly sub?: string;
  readonly client_id?: string;
  readonly scope?: string;
}

/**
 * An API that lets in whoever the introspection endpoint (RFC 7662) knows: 200 `{sub, client_id, scope, method, bytes,
 * sha256}` of the call and its body; everyone else gets 401 with `Bearer error="invalid_token"` (RFC 6750 section 3.1).
 */
export function createProtectedApi(
  introspectionUrl: string,
  ca: string,
): {
  readonly calls: ApiCall[];
  serve(request: IncomingMessage, response: ServerResponse): Promise<void>;
  close(): void;
} {
  const calls: ApiCall[] = [];
  /** Calls that come together with one token ask once. */
  const asking = new Map<string, Promise<Introspected>>();
  const ask = (token: string): Promise<Introspected> => {
    const known = asking.get(token);
    if (known !== undefined) return known;
    const asked = introspect(introspectionUrl, agent, token).finally(() => asking.delete(token));
    asking.set(token, asked);
    return asked;
  };
  const agent = new Agent({ keepAlive: true, ca });
  return {
    calls,
    close: () => agent.destroy(),
    async serve(request, response) {
      const hash = createHash("sha256");
      let bytes = 0;
      for await (const chunk of request) {
        hash.update(chunk as Buffer);
        bytes += (chunk as Buffer).length;
      }
      const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
      const found: Introspected = token === "" ? { active: false } : await ask(token);
      const { method = "", url = "" } = request;
      const status = found.active ? 200 : 401;
      calls.push({ method, target: url, token, status });
      response.setHeader("Content-Type", "application/json");
      if (status === 401) {
        const challenge = token === "" ? "Bearer" : 'Bearer error="invalid_token"';
        response.writeHead(401, { "WWW-Authenticate": challenge }).end('{"error":"who are you?"}');
        return;
      }
      const { sub, client_id, scope } = found;
      response.end(JSON.stringify({ sub, client_id, scope, method, bytes, sha256: hash.digest("hex") }));
    },
  };
}

function introspect(url: string, agent: Agent, token: string): Promise<Introspected> {
  const body = new URLSearchParams({ token, token_type_hint: "access_token" }).toString();
  const credentials = Buffer.from(`${RESOURCE_SERVER.id}:${RESOURCE_SERVER.secret}`).toString("base64");
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      url,
      {
        method: "POST",
        agent,
        headers: {
          Authorization: `Basic ${credentials}`,
          "Content-Type": "application/x-www-form-urlencoded",
          "Content-Length": Buffer.byteLength(body),
        },
      },
      (answer) => {
        let text = "";
        answer.on("data", (chunk: Buffer) => (text += chunk.toString()));
        answer.on("error", reject);
        answer.on("end", () => {
          if (answer.statusCode === 200) resolve(JSON.parse(text) as Introspected);
          else reject(new Error(`introspection answered ${answer.statusCode}: ${text}`));
        });
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}
