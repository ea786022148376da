import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export const PASSWORD = "correct horse battery";
export const ADMIN_TOKEN = `tok_${"A".repeat(43)}`;
export const PROXY_TOKEN = `tok_${"P".repeat(43)}`;

/** What it says of a service whose token is `short`. */
export const WARNINGS = ["a secret under 8 characters is not searched for", "another warning"];

export interface FakeVault {
  readonly addr: string;
  readonly requests: { method: string; url: string; headers: IncomingMessage["headers"]; body: string }[];
  initialized: boolean;
  locked: boolean;
  recoveryKey: string;
  /** What `GET /tokens` lists. */
  tokens: object[];
  /** Answers with status 200 to requests by method and target, before all others. */
  readonly answers: Map<string, unknown>;
  stop(): Promise<void>;
}

/** Speaks enough of the contract for the CLI: state, services, tokens, files and an upstream behind /proxy/api. */
export async function startFakeVault(): Promise<FakeVault> {
  const server = createServer((request, response) => {
    void answer(vault, request, response).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const vault: FakeVault = {
    addr: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    initialized: true,
    locked: false,
    recoveryKey: "000G-40R4-0M30-E209-185G-R38E-1W81-24GK-8NPE",
    tokens: [{ id_prefix: "tok_AAAA...", scope: "admin", created_at: "2030-01-01T00:00:00Z" }],
    answers: new Map(),
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
  return vault;
}

async function answer(vault: FakeVault, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = "", url = "", headers } = request;
  if (url === "/proxy/api/echo-first") {
    // Answers each piece of the body as it comes.
    for await (const chunk of request) response.write(chunk);
    response.end();
    return;
  }
  if (url === "/proxy/api/early") return void response.writeHead(413).end("too much");
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString();
  vault.requests.push({ method, url, headers, body });

  const route = `${method} ${url}`;
  if (route === "GET /health") {
    const { initialized, locked } = vault;
    const health = { status: locked ? "locked" : "unlocked", initialized, version: "9.9.9" };
    json(response, 200, vault.answers.get(route) ?? health);
    return;
  }
  if (route === "POST /auth/unlock") {
    const { password } = JSON.parse(body) as { password: string };
    if (password !== PASSWORD) {
      failure(response, 401, "unauthorized", "wrong password");
      return;
    }
    vault.locked = false;
    json(response, 200, issued(ADMIN_TOKEN, "admin"));
    return;
  }
  if (vault.locked) {
    failure(response, 423, "vault_locked", "the vault is locked");
    return;
  }
  const token = headers.authorization?.replace("Bearer ", "");
  if (token !== ADMIN_TOKEN && token !== PROXY_TOKEN) {
    const none = token === undefined ? "a vault token is required" : "unknown token";
    failure(response, 401, "unauthorized", none);
    return;
  }
  if (url.startsWith("/proxy/")) {
    upstream(url.replace(/^\/proxy/, ""), response);
    return;
  }
  if (token === PROXY_TOKEN && method !== "GET" && url !== "/tokens/self") {
    failure(response, 403, "forbidden", "admin scope needed");
    return;
  }
  controlPlane(vault, route, body, response);
}

function controlPlane(vault: FakeVault, route: string, body: string, response: ServerResponse): void {
  const service = {
    name: "api",
    base_url: "https://api.example",
    auth_type: "bearer",
    tls_skip_verify: false,
  };
  if (vault.answers.has(route)) {
    json(response, 200, vault.answers.get(route));
    return;
  }
  switch (route) {
    case "POST /auth/lock":
      vault.locked = true;
      {
        json(response, 200, { status: "locked" });
        return;
      }
    case "POST /auth/password": {
      const { current } = JSON.parse(body) as { current: string };
      if (current === PASSWORD) return void response.writeHead(204).end();
      failure(response, 401, "unauthorized", "wrong password or damaged vault file");
      return;
    }
    case "POST /auth/recovery-key": {
      json(response, 201, { recovery_key: vault.recoveryKey });
      return;
    }
    case "GET /services": {
      json(response, 200, [service]);
      return;
    }
    case "GET /services/api": {
      json(response, 200, service);
      return;
    }
    case "GET /services/unscrubbed": {
      json(response, 200, { ...service, scrub: "off" });
      return;
    }
    case "POST /services": {
      const { auth } = JSON.parse(body) as { auth: { token?: string } };
      json(response, 201, auth.token === "short" ? { ...service, warnings: WARNINGS } : service);
      return;
    }
    case "DELETE /services/api":
    case "DELETE /files/key.json": {
      json(response, 200, { status: "deleted" });
      return;
    }
    case "POST /tokens": {
      const { scope } = JSON.parse(body) as { scope: string };
      json(response, 201, issued(PROXY_TOKEN, scope));
      return;
    }
    case "GET /tokens": {
      json(response, 200, vault.tokens);
      return;
    }
    case "DELETE /tokens/self":
    case "DELETE /tokens/tok_AAAA...":
    case `DELETE /tokens/${PROXY_TOKEN}`: {
      json(response, 200, { status: "revoked" });
      return;
    }
    case "POST /tokens/tok_AAAA.../resume":
    case `POST /tokens/${PROXY_TOKEN}/resume`: {
      json(response, 200, { status: "active" });
      return;
    }
    case "POST /files": {
      json(response, 201, { name: "key.json", mime_type: "application/json", size: 7 });
      return;
    }
    case "GET /files": {
      json(response, 200, [{ name: "key.json", mime_type: "application/json", size: 7 }]);
      return;
    }
    case "GET /files/key.json":
      return void response.end("content");
    default: {
      failure(response, 404, "not_found", "no such thing");
      return;
    }
  }
}

function upstream(path: string, response: ServerResponse): void {
  if (!path.startsWith("/api/")) {
    response.setHeader("x-vault-error", "not_found");
    failure(response, 404, "not_found", "no such service");
    return;
  }
  switch (path) {
    case "/api/teapot":
      return void response.writeHead(418, { "x-kind": "tea" }).end("short and stout");
    case "/api/401":
      return void response.writeHead(401).end();
    case "/api/endless": {
      const timer = setInterval(() => response.write("x".repeat(65_536)), 1);
      response.on("close", () => clearInterval(timer));
      return;
    }
    case "/api/cut":
      response.write("half");
      return void setTimeout(() => response.destroy(), 50);
    case "/api/binary":
      return void response.end(Buffer.from([0xff, 0x00]));
    default: {
      json(response, 200, { ok: true });
      return;
    }
  }
}

function issued(id: string, scope: string) {
  return { id, scope, created_at: "2030-01-01T00:00:00Z", expires_at: "2030-01-02T00:00:00Z" };
}

function failure(response: ServerResponse, status: number, code: string, error: string): void {
  json(response, status, { error, code });
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
