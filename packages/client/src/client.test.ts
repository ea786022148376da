import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, describe, expect, test, vi } from "vitest";

import { connect } from "./functions.js";
import { New, NewWithSocket, NewWithToken, VaultClient } from "./index.js";
import { TOKEN, clientOf, scratchDirectory, serve } from "./testing/client-fixture.js";
import { json, startRecordingServer } from "./testing/recording-server.js";

const MIB = 1024 * 1024;
const SPACES = Buffer.alloc(64 * 1024, " ");

afterEach(() => {
  vi.unstubAllEnvs();
});

/** What every call but a list takes as its answer. */
const EVERY_ANSWER = {
  name: "svc",
  auth_type: "bearer",
  id: "tok_new",
  scope: "proxy",
  status: "unlocked",
  mime_type: "text/plain",
  size: 7,
};

describe("control plane", () => {
  test("speaks every route of services, tokens and files", async () => {
    const server = await serve((request, response) => {
      if (request.method === "GET" && /^\/(services|tokens|files)$/.test(request.url)) {
        json(response, 200, []);
        return;
      }
      if (request.method === "GET" && request.url === "/files/a%20b") return void response.end("bytes");
      json(response, 200, EVERY_ANSWER);
    });
    const client = clientOf(server);
    const definition = { name: "svc", base_url: "https://x", auth: { type: "bearer", token: "s" } } as const;
    expect(await client.health()).toBe("unlocked");
    expect(await client.listServices()).toEqual([]);
    await client.getService("svc");
    await client.addService(definition);
    await client.updateService("svc", definition);
    await client.removeService("svc");
    expect(await client.createToken("proxy")).toBe("tok_new");
    await client.createToken({ scope: "admin", ttl: "1h" });
    expect(await client.listTokens()).toEqual([]);
    await client.revokeToken("tok_abc...");
    await client.resumeToken("tok_abc...");
    await client.uploadFile("key.json", new TextEncoder().encode("content"));
    expect(await client.listFiles()).toEqual([]);
    expect(new TextDecoder().decode(await client.getFile("a b"))).toBe("bytes");
    await client.deleteFile("a b");
    expect(server.requests.map((request) => `${request.method} ${request.url}`)).toEqual([
      "GET /health",
      "GET /services",
      "GET /services/svc",
      "POST /services",
      "PUT /services/svc",
      "DELETE /services/svc",
      "POST /tokens",
      "POST /tokens",
      "GET /tokens",
      "DELETE /tokens/tok_abc...",
      "POST /tokens/tok_abc.../resume",
      "POST /files",
      "GET /files",
      "GET /files/a%20b",
      "DELETE /files/a%20b",
    ]);
    expect(server.requests.every((request) => request.headers.authorization === `Bearer ${TOKEN}`)).toBe(
      true,
    );
    expect(JSON.parse(server.requests[3]!.body)).toEqual(definition);
    expect(JSON.parse(server.requests[7]!.body)).toEqual({ scope: "admin", ttl: "1h" });
    expect(server.requests[11]!.body).toContain('name="name"');
    expect(server.requests[11]!.body).toContain("content");
  });

  test("tells since when a token is suspended, and what the vault warns of", async () => {
    const token = { id_prefix: "tok_abc...", scope: "proxy", suspended_at: "2030-01-01T00:00:00.000Z" };
    const service = { name: "svc", auth_type: "bearer", scrub: "off", warnings: ["one", "two"] };
    const server = await serve((request, response) => {
      if (request.url === "/tokens") json(response, 200, [token]);
      else json(response, 200, service);
    });
    const client = clientOf(server);
    expect((await client.listTokens())[0]?.suspended_at).toBe("2030-01-01T00:00:00.000Z");
    const auth = { type: "bearer", token: "s" } as const;
    const stored = await client.addService({ name: "svc", base_url: "https://x", auth, scrub: "off" });
    expect(stored).toMatchObject({ scrub: "off", warnings: ["one", "two"] });
    expect(JSON.parse(server.requests[1]!.body)).toHaveProperty("scrub", "off");
    expect((await client.updateService("svc", { base_url: "https://x", auth })).warnings).toHaveLength(2);
  });

  test.each([{ warnings: "text" }, { warnings: {} }, { warnings: [5] }, { scrub: true }])(
    "a service with %j is no vault's",
    async (odd) => {
      const server = await serve((_, response) =>
        json(response, 200, { name: "svc", auth_type: "bearer", ...odd }),
      );
      await expect(clientOf(server).getService("svc")).rejects.toMatchObject({ code: "invalid_answer" });
    },
  );

  test("a token with an odd time of suspension is no vault's", async () => {
    const odd = { id_prefix: "tok_abc...", scope: "proxy", suspended_at: 5 };
    const server = await serve((_, response) => json(response, 200, [odd]));
    await expect(clientOf(server).listTokens()).rejects.toMatchObject({ code: "invalid_answer" });
  });

  test("uploads a local file by its path", async () => {
    const path = join(await scratchDirectory(), "key.json");
    await writeFile(path, "from disk");
    const server = await serve((_, response) => json(response, 201, EVERY_ANSWER));
    await clientOf(server).uploadFile("k", path);
    expect(server.requests[0]!.body).toContain("from disk");
  });

  test("unlock sets the token and lock clears it", async () => {
    const server = await serve((request, response) =>
      json(
        response,
        200,
        request.url === "/auth/unlock" ? { id: TOKEN, scope: "admin" } : { status: "locked" },
      ),
    );
    const client = new VaultClient({ addr: server.addr });
    expect(await client.unlock("correct horse")).toBe(TOKEN);
    expect(client.token).toBe(TOKEN);
    await client.lock({ revokeTokens: true });
    expect(client.token).toBe("");
    expect(server.requests.map((request) => request.body)).toEqual([
      '{"password":"correct horse"}',
      '{"revoke_tokens":true}',
    ]);
  });

  test("unlock asks for an idle time-out, and a token gives itself up", async () => {
    const server = await serve((_, response) => json(response, 200, { id: TOKEN, scope: "admin" }));
    const client = new VaultClient({ addr: server.addr });
    await client.unlock("correct horse", { idleTimeout: "15m" });
    await client.revokeOwnToken();
    expect(client.token).toBe("");
    expect(server.requests.map(({ method, url, body }) => [method, url, body])).toEqual([
      ["POST", "/auth/unlock", '{"password":"correct horse","idle_timeout":"15m"}'],
      ["DELETE", "/tokens/self", ""],
    ]);
  });

  test("changes the password, and makes a recovery key", async () => {
    const server = await serve((request, response) => {
      if (request.url === "/auth/password") return void response.writeHead(204).end();
      json(response, 201, { recovery_key: "0123-4567" });
    });
    const client = clientOf(server);
    await client.changePassword("old horse", "new horse");
    expect(await client.createRecoveryKey("new horse")).toBe("0123-4567");
    expect(server.requests.map(({ method, url, body }) => `${method} ${url} ${body}`)).toEqual([
      'POST /auth/password {"current":"old horse","new":"new horse"}',
      'POST /auth/recovery-key {"password":"new horse"}',
    ]);
    expect(server.requests.every((request) => request.headers.authorization === `Bearer ${TOKEN}`)).toBe(
      true,
    );
  });

  test("passwords do not go over plain http to another host, with a token or without", async () => {
    const client = new VaultClient({ addr: "http://vault.example" });
    const refused = { status: 0, code: "insecure_address" };
    await expect(client.changePassword("old horse", "new horse")).rejects.toMatchObject(refused);
    await expect(client.createRecoveryKey("old horse")).rejects.toMatchObject(refused);
  });

  test("an answer without a recovery key is no vault's", async () => {
    const server = await serve((_, response) => json(response, 201, { recovery_key: 5 }));
    const made = clientOf(server).createRecoveryKey("old horse");
    await expect(made).rejects.toMatchObject({ status: 0, code: "invalid_answer" });
  });

  test("an error answer becomes a VaultError, also one without a JSON body", async () => {
    const server = await serve((request, response) => {
      if (request.url === "/services") {
        json(response, 403, { error: "admin scope needed", code: "forbidden" });
        return;
      }
      response.writeHead(502).end("<html>");
    });
    const client = clientOf(server);
    await expect(client.listServices()).rejects.toMatchObject({ status: 403, code: "forbidden" });
    await expect(client.listTokens()).rejects.toMatchObject({ status: 502, code: "http_502" });
  });

  test.each(["not json", "[]", "{}", '"text"'])(
    "tells %j of a stranger on the port from a vault",
    async (answer) => {
      const server = await serve((_, response) => response.end(answer));
      await expect(clientOf(server).health()).rejects.toMatchObject({ status: 0, code: "invalid_answer" });
    },
  );

  test.each([
    [{ name: 5, auth_type: "bearer", id_prefix: "tok_", scope: "proxy", mime_type: "x", size: 1 }],
    [{ name: "x", auth_type: {}, id_prefix: "tok_", scope: {}, mime_type: {}, size: 1 }],
    [
      {
        name: "x",
        auth_type: "x",
        base_url: 5,
        id_prefix: "tok_",
        scope: "x",
        expires_at: {},
        mime_type: "x",
        size: "1",
      },
    ],
    [null],
    ["text"],
  ])("a list that holds %j is no vault's", async (item) => {
    const server = await serve((_, response) => json(response, 200, [item]));
    const client = clientOf(server);
    for (const list of [client.listServices(), client.listTokens(), client.listFiles()]) {
      await expect(list).rejects.toMatchObject({ status: 0, code: "invalid_answer" });
    }
  });

  test.each([
    { id: 5, scope: "admin" },
    { id: TOKEN, scope: { toString: 1 } },
    { id: TOKEN, scope: "admin", expires_at: { toString: 1 } },
  ])("a token such as %j is no vault's", async (answer) => {
    const server = await serve((_, response) => json(response, 200, answer));
    const client = clientOf(server);
    await expect(client.createToken()).rejects.toMatchObject({ code: "invalid_answer" });
    await expect(client.unlock("correct horse")).rejects.toMatchObject({ code: "invalid_answer" });
  });

  test.each([
    ["node:http", {}],
    ["a fetch", { fetch }],
  ])("an answer without end is given up by %s, be it a success or an error", async (_, options) => {
    let sent = 0;
    let gone = 0;
    const server = await serve((request, response) => {
      const failing = request.url !== "/services";
      response.writeHead(failing ? 400 : 200, { "x-vault-error": "x" });
      response.on("close", () => gone++);
      const write = (): void => {
        while (!response.destroyed && sent < 256 * MIB) {
          sent += SPACES.length;
          if (!response.write(SPACES)) return void response.once("drain", write);
        }
      };
      write();
    });
    const client = clientOf(server, options);
    const refused = { status: 0, code: "invalid_answer" };
    await expect(client.proxy("svc", "GET", "/")).rejects.toMatchObject(refused);
    await expect(client.listTokens()).rejects.toMatchObject(refused);
    await expect(client.getFile("x")).rejects.toMatchObject(refused);
    expect(sent).toBeLessThan(48 * MIB);
    await expect(client.listServices()).rejects.toMatchObject(refused);
    expect(sent).toBeLessThan(96 * MIB);
    await vi.waitFor(() => expect(gone).toBe(4));
  });

  test("a long list and a long error within the limits are read", async () => {
    const item = { name: "n", mime_type: "x".repeat(1000), size: 1 };
    const long = Array.from({ length: 8000 }, () => item);
    const server = await serve((request, response) => {
      if (request.url === "/files") json(response, 200, long);
      else json(response, 400, { error: "e".repeat(60_000), code: "x" });
    });
    expect(await clientOf(server).listFiles()).toHaveLength(8000);
    await expect(clientOf(server).listTokens()).rejects.toMatchObject({ status: 400, code: "x" });
  });

  test("half of a character in a name or a path is told, and nothing is sent under another name", async () => {
    const server = await serve((_, response) => json(response, 200, EVERY_ANSWER));
    const client = clientOf(server);
    for (const call of [
      () => client.getFile("\ud800"),
      () => client.deleteFile("a\udc00"),
      () => client.uploadFile("\ud800", new Uint8Array()),
      () => client.getService("\ud800"),
      () => client.revokeToken("\ud800"),
      () => client.resumeToken("\ud800"),
      () => client.proxy("\ud800", "GET", "/"),
      () => client.proxy("svc", "GET", "/\ud800"),
    ]) {
      await expect(call()).rejects.toMatchObject({
        code: "invalid_request",
        message: expect.stringContaining("half of a character") as string,
      });
    }
    expect(server.requests).toEqual([]);
  });

  test.each([NaN, -1, -Infinity])("a timeout of %d is refused", async (timeoutMs) => {
    const refused = expect.objectContaining({ code: "invalid_request" }) as Error;
    expect(() => new VaultClient({ timeoutMs })).toThrow(refused);
    const server = await serve((_, response) => json(response, 200, EVERY_ANSWER));
    await expect(clientOf(server).health({ timeoutMs })).rejects.toEqual(refused);
    expect(await clientOf(server, { timeoutMs: 0 }).health({ timeoutMs: Infinity })).toBe("unlocked");
    expect(server.requests).toHaveLength(1);
  });

  test("an address without a server is told by name", async () => {
    const server = await startRecordingServer((_, response) => response.end());
    await server[Symbol.asyncDispose]();
    await expect(NewWithToken(server.addr, TOKEN).health()).rejects.toMatchObject({
      code: "connection_failed",
      message: expect.stringContaining(
        `cannot reach vault-server at ${server.addr} (ECONNREFUSED)`,
      ) as string,
    });
    await expect(NewWithSocket("/nowhere/v.sock", TOKEN).health()).rejects.toThrow(
      "cannot reach vault-server at unix:/nowhere/v.sock (ENOENT)",
    );
  });

  test("testService tells an API's answer from the vault's", async () => {
    const server = await serve((request, response) => {
      const status = Number(request.url.slice("/proxy/svc/".length));
      if (status === 502) {
        json(response, 502, { error: "no", code: "upstream_failed" }, { "x-vault-error": "x" });
        return;
      }
      response.writeHead(status).end();
    });
    const client = clientOf(server);
    expect(await client.testService("svc", "/200")).toEqual({ ok: true, status: 200 });
    expect(await client.testService("svc", "/404")).toEqual({ ok: true, status: 404 });
    expect(await client.testService("svc", "/401")).toMatchObject({ ok: false, status: 401 });
    expect(await client.testService("svc", "/503")).toMatchObject({ ok: false, status: 503 });
    expect(await client.testService("svc", "/502")).toEqual({
      ok: false,
      status: 502,
      error: "no",
      code: "upstream_failed",
    });
  });
});

describe("where a token may go", () => {
  const reached: string[] = [];
  const recordingFetch = ((url: string) => {
    reached.push(url);
    return Promise.resolve(Response.json({ status: "locked" }));
  }) as typeof fetch;

  test("never over plain http to another host, unless told so", async () => {
    const options = { addr: "http://vault.example:8390", fetch: recordingFetch };
    const refused = { status: 0, code: "insecure_address" };
    await expect(new VaultClient({ ...options, token: TOKEN }).listServices()).rejects.toMatchObject(refused);
    await expect(new VaultClient({ ...options, token: TOKEN }).proxy("s", "GET", "/")).rejects.toMatchObject(
      refused,
    );
    await expect(new VaultClient(options).unlock("correct horse")).rejects.toMatchObject(refused);
    expect(reached).toEqual([]);
    expect(await new VaultClient(options).health()).toBe("locked");
    expect(await new VaultClient({ ...options, token: TOKEN, allowInsecure: true }).health()).toBe("locked");
  });

  test("doRequest sends below its own address only, and keeps an Authorization that is there", async () => {
    const server = await serve((_, response) => response.end());
    const client = clientOf(server);
    await client.doRequest(new Request(`${server.addr}/services?x=1#frag`, { method: "POST", body: "b" }));
    await client.doRequest(new Request(`${server.addr}/x`, { headers: { authorization: "Bearer other" } }));
    for (const url of ["https://evil.example/", `${server.addr}0/x`, `${server.addr}.evil.example/`]) {
      if (URL.canParse(url)) {
        await expect(client.doRequest(new Request(url))).rejects.toMatchObject({ code: "invalid_request" });
      }
    }
    expect(server.requests.map(({ url, body, headers }) => [url, body, headers.authorization])).toEqual([
      ["/services?x=1", "b", `Bearer ${TOKEN}`],
      ["/x", "", "Bearer other"],
    ]);
  });

  test("an error about a header or a token does not repeat it", async () => {
    const server = await serve((_, response) => response.end());
    const secret = "hush\nhush";
    const proxied = clientOf(server).proxy("s", "GET", "/", undefined, { headers: { "x-a": secret } });
    for (const failing of [proxied, NewWithToken(server.addr, secret).health()]) {
      const error: unknown = await failing.catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: "invalid_request" });
      expect(inspect(error)).not.toContain("hush");
    }
    expect(server.requests).toEqual([]);
  });

  test.each(["CONNECT", "trace", "GET /x", "", "G\r\nET"])("the method %j is refused", async (method) => {
    const server = await serve((_, response) => response.end());
    await expect(clientOf(server).proxy("s", method, "/")).rejects.toMatchObject({ code: "invalid_request" });
    expect(server.requests).toEqual([]);
  });

  test("printing a client shows no token", () => {
    const client = NewWithToken("", TOKEN);
    expect(inspect(client, { depth: 9, showHidden: true })).not.toContain(TOKEN);
    expect(JSON.stringify(client)).not.toContain(TOKEN);
  });
});

describe("options in plain JavaScript", () => {
  test.each([
    [{ tokne: "x" }, "there is no option tokne; there are addr, socketPath, token"],
    [{ timeout: 5 }, "there is no option timeout"],
    [{ toString: 5 }, "there is no option toString"],
    [{ addr: null }, "addr must be a string"],
    [{ socketPath: 5 }, "socketPath must be a string"],
    [{ timeoutMs: "5" }, "timeoutMs must be a number"],
    [{ allowInsecure: "no" }, "allowInsecure must be a boolean"],
    [{ fetch: "undici" }, "fetch must be a function"],
    [{ token: Promise.resolve(TOKEN) }, "token must be a string"],
    ["http://127.0.0.1:8390", "the options must be an object"],
    [null, "the options must be an object"],
  ])("%j is told", (options, message) => {
    for (const make of [connect, (given: object) => new VaultClient(given)]) {
      expect(() => make(options as object)).toThrow(message);
    }
  });

  test("a function is a token of `connect` alone, and a client takes nothing but text for one later", () => {
    const token = (): string => TOKEN;
    expect(() => connect({ token })).not.toThrow();
    expect(() => new VaultClient({ token } as object)).toThrow("token must be a string");
    const client: { token: unknown } = new VaultClient();
    expect(() => (client.token = 5)).toThrow("token must be a string");
  });

  test("an option that a call has not is told before anything is sent", async () => {
    const server = await serve((_request, response) => json(response, 200, []));
    const client = clientOf(server);
    const misspelt = { timeout: 5 } as object;
    await expect(client.proxy("api", "GET", "/", undefined, misspelt)).rejects.toThrow(
      "there is no option timeout of this call",
    );
    await expect(client.listServices({ timeoutMs: "5" } as object)).rejects.toThrow(
      "timeoutMs must be a number",
    );
    await expect(client.do("GET", "/services", undefined, misspelt)).rejects.toThrow("no option timeout");
    expect(server.requests).toEqual([]);
  });

  test("a call without a token says so; a wrong password and a wrong token are only what they are", async () => {
    const server = await serve((_request, response) =>
      json(response, 401, { error: "no", code: "unauthorized" }),
    );
    const without = NewWithToken(server.addr, "");
    const message = "no (this client has none: give it as `token`, or set VAULT_TOKEN and use New)";
    await expect(without.listServices()).rejects.toMatchObject({ code: "unauthorized", message });
    await expect(without.unlock("x")).rejects.toMatchObject({ message: "no" });
    await expect(clientOf(server).listServices()).rejects.toMatchObject({ message: "no" });
  });
});

describe("New", () => {
  test("prefers VAULT_PROXY_SOCK, then VAULT_ADDR, then loopback", () => {
    vi.stubEnv("VAULT_PROXY_SOCK", "");
    vi.stubEnv("VAULT_ADDR", "");
    vi.stubEnv("VAULT_TOKEN", TOKEN);
    expect(New().addr).toBe("http://127.0.0.1:8390");
    expect(New().token).toBe(TOKEN);
    vi.stubEnv("VAULT_ADDR", "https://v.example/");
    expect(New().addr).toBe("https://v.example");
    vi.stubEnv("VAULT_ADDR", "unix:/run/a.sock");
    expect(New().addr).toBe("unix:/run/a.sock");
    vi.stubEnv("VAULT_PROXY_SOCK", "/run/b.sock");
    expect(New().addr).toBe("unix:/run/b.sock");
    expect(New({ addr: "http://127.0.0.1:1", token: "" })).toMatchObject({
      addr: "http://127.0.0.1:1",
      token: "",
    });
  });

  test("a unix socket serves JSON calls, uploads and proxied calls", async () => {
    const path = join(await scratchDirectory(), "v.sock");
    const server = await serve((request, response) => {
      if (request.url.startsWith("/proxy")) return void response.end("proxied");
      json(response, 200, { ...EVERY_ANSWER, name: "f" });
    }, path);
    const client = NewWithSocket(path, TOKEN);
    expect(await client.health()).toBe("unlocked");
    expect((await client.uploadFile("f", new Blob(["x"]))).name).toBe("f");
    expect(await (await client.proxy("svc", "GET", "/a/../b")).text()).toBe("proxied");
    await client.doRequest(new Request("http://localhost/services"));
    expect(server.requests.map((request) => request.url)).toEqual([
      "/health",
      "/files",
      "/proxy/svc/a/../b",
      "/services",
    ]);
  });
});

test("a refusal of a HEAD, which has no body, is told as the vault's", async () => {
  const server = await serve((_, response) => {
    response.writeHead(423, { "x-vault-error": "vault_locked" }).end();
  });
  await expect(clientOf(server).proxy("api", "HEAD", "/")).rejects.toMatchObject({
    status: 423,
    code: "vault_locked",
    message: "HTTP 423 from the vault-server",
  });
});

test("a body that failed is told where the platform's fetch sends what there was of it as a whole", async () => {
  async function* failing() {
    yield "one";
    await Promise.resolve();
    throw new Error("source failed");
  }
  const asWorkersDo: typeof fetch = async (_, init) => {
    await new Response(init?.body ?? null).text().catch(() => undefined);
    return new Response("{}");
  };
  const client = new VaultClient({ addr: "http://127.0.0.1:1", fetch: asWorkersDo });
  await expect(client.proxy("api", "POST", "/", failing())).rejects.toThrow("source failed");
});
