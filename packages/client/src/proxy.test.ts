import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test, vi } from "vitest";

import { NewWithToken, VaultError, type RequestBody, type ServiceDefinition } from "./index.js";
import { TOKEN, clientOf, serve } from "./testing/client-fixture.js";
import { json } from "./testing/recording-server.js";

describe("proxy", () => {
  test.each([
    "/a%2Fb",
    "/100%25",
    "/%25ef",
    "/x?a=%20+",
    "//x",
    "",
    "/",
    "/x?",
    "/a\\b?q='{x}\"|",
    "/../tokens",
    `/${"p".repeat(8000)}`,
  ])("sends the path %j byte for byte", async (path) => {
    const server = await serve((_, response) => response.end());
    await clientOf(server).proxy("svc", "GET", path);
    expect(server.requests[0]!.url).toBe(`/proxy/svc${path}`);
  });

  test("a plain fetch is not let to send another path than asked", async () => {
    const server = await serve((_, response) => response.end());
    const client = clientOf(server, { fetch });
    await expect(client.proxy("svc", "GET", "/a/../b")).rejects.toMatchObject({ code: "invalid_request" });
    await client.proxy("svc", "GET", "/a%2Fb?x=%20+");
    expect(server.requests.map((request) => request.url)).toEqual(["/proxy/svc/a%2Fb?x=%20+"]);
  });

  test("resolves with the upstream's answer whatever its status, as a platform Response", async () => {
    const server = await serve((request, response) => {
      const status = Number(request.url.slice("/proxy/svc/".length));
      response.writeHead(status, "Some Reason", { location: "/elsewhere", "x-a": "1" });
      response.end(status === 204 || status === 304 ? undefined : "body");
    });
    const client = clientOf(server);
    for (const status of [200, 204, 301, 304, 401, 429, 500, 999]) {
      const response = await client.proxy("svc", "GET", `/${status}`);
      expect(response).toBeInstanceOf(Response);
      expect(response.status).toBe(status);
      expect(response.ok).toBe(status < 300);
      expect(response.statusText).toBe("Some Reason");
      expect(response.headers.get("x-a")).toBe("1");
      expect(response.url).toContain(`/proxy/svc/${status}`);
      expect(await response.text()).toBe(status === 204 || status === 304 ? "" : "body");
    }
    expect(server.requests).toHaveLength(8);
  });

  test("rejects with the vault's own error", async () => {
    const server = await serve((_, response) =>
      json(
        response,
        423,
        { error: "the vault is locked", code: "vault_locked" },
        { "x-vault-error": "vault_locked", "x-vault-request-id": "req_1" },
      ),
    );
    const failure = clientOf(server).proxy("svc", "GET", "/");
    await expect(failure).rejects.toBeInstanceOf(VaultError);
    await expect(failure).rejects.toMatchObject({
      status: 423,
      code: "vault_locked",
      message: "the vault is locked",
      requestId: "req_1",
    });
  });

  test.each([
    ["an object", { a: [1] }, '{"a":[1]}', "application/json"],
    ["a string", '{"b":2}', '{"b":2}', "application/json"],
    ["bytes", new TextEncoder().encode("raw"), "raw", "application/json"],
    [
      "a view of bytes",
      new DataView(new TextEncoder().encode("[raw]").buffer, 1, 3),
      "raw",
      "application/json",
    ],
    ["a typed array", new Uint16Array([0x6261, 0x6463]).subarray(1), "cd", "application/json"],
    ["shared bytes", new Int8Array(new SharedArrayBuffer(2)).fill(0x61), "aa", "application/json"],
    ["a blob", new Blob(["png"], { type: "image/png" }), "png", "image/png"],
    [
      "form fields",
      new URLSearchParams({ a: "b c" }),
      "a=b+c",
      "application/x-www-form-urlencoded;charset=UTF-8",
    ],
    ["a stream", new Blob(["streamed"]).stream(), "streamed", "application/json"],
  ])("sends %s with its content type", async (_, body, text, type) => {
    const server = await serve((_request, response) => response.end());
    await clientOf(server).proxy("svc", "POST", "/", body);
    expect(server.requests[0]).toMatchObject({ body: text, headers: { "content-type": type } });
  });

  const circle: Record<string, unknown> = {};
  circle.circle = circle;
  test.each([
    [5, "a number is no body"],
    [1n, "a bigint is no body"],
    [true, "a boolean is no body"],
    [() => 1, "a function is no body"],
    [{ n: 1n }, "cannot be written as JSON"],
    [circle, "cannot be written as JSON"],
    [{ toJSON: () => undefined }, "cannot be written as JSON"],
  ])("refuses %s as a body", async (body, message) => {
    const server = await serve((_request, response) => response.end());
    const call = clientOf(server).proxy("svc", "POST", "/", body as RequestBody);
    await expect(call).rejects.toMatchObject({
      code: "invalid_request",
      message: expect.stringContaining(message) as string,
    });
    expect(server.requests).toEqual([]);
  });

  test("sends chunks of an async iterable, and forms with a length", async () => {
    const server = await serve((_, response) => response.end());
    const client = clientOf(server);
    const chunks = async function* () {
      yield "one";
      await Promise.resolve();
      yield new TextEncoder().encode("two");
    };
    await client.proxy("svc", "PUT", "/", chunks());
    const form = new FormData();
    form.set("field", "value");
    await client.proxy("svc", "POST", "/", form);
    expect(server.requests[0]!.body).toBe("onetwo");
    expect(server.requests[1]!.headers["content-type"]).toMatch(/^multipart\/form-data; boundary=/);
    expect(server.requests[1]!.headers["content-length"]).toBeDefined();
    expect(server.requests[1]!.body).toContain("value");
  });

  test("the caller's content type wins and a GET may carry a body", async () => {
    const server = await serve((_, response) => response.end());
    await clientOf(server).proxy("svc", "get", "/_search", "{}", {
      headers: { "content-type": "application/x-q" },
    });
    expect(server.requests[0]).toMatchObject({
      method: "GET",
      body: "{}",
      headers: { "content-type": "application/x-q", authorization: `Bearer ${TOKEN}` },
    });
  });

  test("a streaming answer outlives the timeout, a silent one does not", async () => {
    const server = await serve(async (request, response) => {
      if (request.url.endsWith("/silent")) return;
      response.write("first");
      await new Promise((resolve) => setTimeout(resolve, 400));
      response.end("last");
    });
    const client = clientOf(server, { timeoutMs: 200 });
    const response = await client.proxy("svc", "GET", "/stream");
    expect(await response.text()).toBe("firstlast");
    await expect(client.proxy("svc", "GET", "/silent")).rejects.toMatchObject({ status: 0, code: "timeout" });
    await expect(client.do("GET", "/silent")).rejects.toMatchObject({ code: "timeout" });
  });

  test("an abort ends the call with its own reason, before and after the headers", async () => {
    let gone = 0;
    const server = await serve((request, response) => {
      response.on("close", () => gone++);
      if (request.url.endsWith("/stream")) response.write("x");
    });
    const client = clientOf(server);
    const before = new AbortController();
    const call = client.proxy("svc", "GET", "/", undefined, { signal: before.signal });
    setTimeout(() => before.abort(new Error("changed my mind")), 50);
    await expect(call).rejects.toThrow("changed my mind");
    const after = new AbortController();
    const response = await client.proxy("svc", "GET", "/stream", undefined, { signal: after.signal });
    const body = response.text();
    after.abort(new Error("enough"));
    await expect(body).rejects.toThrow("enough");
    await vi.waitFor(() => expect(gone).toBe(2));
  });

  test("a cut-off answer is an error, never a short one", async () => {
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => {
        socket.end("HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const client = NewWithToken(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, TOKEN);
    await expect((await client.proxy("svc", "GET", "/")).text()).rejects.toThrow();
    await expect(client.getFile("key.json")).rejects.toMatchObject({ code: "connection_failed" });
  });
});

/** A chunk every millisecond, until nobody wants the next. */
function endlessBody(): { readonly chunks: AsyncIterable<string>; readonly stopped: () => boolean } {
  let stopped = false;
  async function* chunks(): AsyncGenerator<string, void, undefined> {
    try {
      for (;;) {
        yield "x".repeat(1024);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    } finally {
      stopped = true;
    }
  }
  return { chunks: chunks(), stopped: () => stopped };
}

describe("big and slow bodies", () => {
  test("a reader that waits holds the sender back", async () => {
    let sent = 0;
    const chunk = Buffer.alloc(64 * 1024);
    const server = await serve((_, response) => {
      const write = (): void => {
        while (sent < 64 * 1024 * 1024 && !response.destroyed) {
          sent += chunk.length;
          if (!response.write(chunk)) return void response.once("drain", write);
        }
        response.end();
      };
      write();
    });
    const response = await clientOf(server).proxy("svc", "GET", "/big");
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(sent).toBeLessThan(24 * 1024 * 1024);
    let received = 0;
    for await (const part of response.body!) received += (part as Uint8Array).length;
    expect(received).toBe(64 * 1024 * 1024);
  });

  test("an upload stops when the call is aborted", async () => {
    const server = await serve((_, response) => response.end());
    const abort = new AbortController();
    const body = endlessBody();
    setTimeout(() => abort.abort(new Error("enough")), 50);
    const call = clientOf(server).proxy("svc", "POST", "/", body.chunks, { signal: abort.signal });
    await expect(call).rejects.toThrow("enough");
    await vi.waitFor(() => expect(body.stopped()).toBe(true));
  });

  test("an upload stops when its answer is whole, however long the other end would listen", async () => {
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      const head = "HTTP/1.1 413 Too Large\r\nX-Vault-Error: body_too_large\r\nContent-Length: 2\r\n\r\n";
      socket.once("data", () => socket.write(`${head}{}`));
      socket.resume();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const client = NewWithToken(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, TOKEN);
    const abort = new AbortController();
    onTestFinished(() => abort.abort());
    const body = endlessBody();
    const call = client.proxy("svc", "POST", "/", body.chunks, { signal: abort.signal });
    await expect(call).rejects.toMatchObject({ status: 413, code: "body_too_large" });
    await vi.waitFor(() => expect(body.stopped()).toBe(true));
  });

  test("a body that fails while it is read fails the call", async () => {
    const server = await serve((_, response) => response.end());
    const failing = async function* () {
      yield "x";
      await Promise.reject(new Error("disk gone"));
    };
    await expect(clientOf(server).proxy("svc", "POST", "/", failing())).rejects.toThrow("disk gone");
    expect(server.requests).toEqual([]);
  });

  test("the caller's framing headers are not believed", async () => {
    const server = await serve((_, response) => response.end());
    const headers = {
      "content-length": "99",
      "Transfer-Encoding": "identity",
      connection: "close",
      host: "evil",
    };
    await clientOf(server).proxy("svc", "POST", "/", "abc", { headers });
    expect(server.requests[0]!.headers).toMatchObject({ "content-length": "3", host: server.addr.slice(7) });
    expect(server.requests[0]!.body).toBe("abc");
  });
});

describe("proxyStream", () => {
  test("yields each chunk when it arrives and cancels the call when left", async () => {
    let closed = false;
    const server = await serve((_, response) => {
      response.on("close", () => (closed = true));
      response.write("data: 1\n\n");
    });
    for await (const chunk of clientOf(server).proxyStream("svc", "GET", "/events")) {
      expect(new TextDecoder().decode(chunk)).toBe("data: 1\n\n");
      expect(closed).toBe(false);
      break;
    }
    await vi.waitFor(() => expect(closed).toBe(true));
  });

  test("throws for an upstream's error status", async () => {
    const server = await serve((_, response) => response.writeHead(429).end("slow down"));
    const stream = clientOf(server).proxyStream("svc", "GET", "/");
    await expect(stream.next()).rejects.toMatchObject({ status: 429, code: "upstream_status" });
  });

  test.each([302, 304])(
    "throws for %i, which is not followed, rather than to yield nothing",
    async (status) => {
      const server = await serve((_, response) =>
        response.writeHead(status, { location: "/elsewhere" }).end(),
      );
      const stream = clientOf(server).proxyStream("svc", "GET", "/");
      const error: unknown = await stream.next().catch((reason: unknown) => reason);
      expect(error).toMatchObject({ status, code: "upstream_status", response: { status } });
      expect((error as VaultError).response!.headers.get("location")).toBe("/elsewhere");
      expect(server.requests).toHaveLength(1);
    },
  );

  test("gives the answer of an upstream's error, with the beginning of a long body", async () => {
    const server = await serve((_, response) =>
      response.writeHead(503, { "retry-after": "7" }).write("x".repeat(70_000)),
    );
    const error: unknown = await clientOf(server)
      .proxyStream("svc", "GET", "/")
      .next()
      .catch((reason: unknown) => reason);
    const { response } = error as VaultError;
    expect(response!.status).toBe(503);
    expect(response!.headers.get("retry-after")).toBe("7");
    expect(await response!.text()).toBe("x".repeat(65_536));
  });

  test("rejects with a VaultError where the answer is cut off", async () => {
    const server = await serve((_, response) => {
      response.writeHead(200, { "content-length": "100", "x-vault-request-id": "req_1" });
      response.write("abc", () => response.destroy());
    });
    const stream = clientOf(server).proxyStream("svc", "GET", "/");
    const read = async () => {
      for await (const chunk of stream) expect(chunk.length).toBe(3);
    };
    const wanted = { name: "VaultError", code: "connection_failed", requestId: "req_1" };
    await expect(read()).rejects.toMatchObject(wanted);
  });
});

test("a body that fails rejects with its own error", async () => {
  const server = await serve((_, response) => response.end("{}"));
  async function* failing(): AsyncGenerator<string> {
    yield "a";
    await Promise.resolve();
    throw new RangeError("my source failed");
  }
  await expect(clientOf(server).proxy("svc", "POST", "/", failing())).rejects.toThrow("my source failed");
});

test("a path of an upload that names no file is told", async () => {
  const server = await serve((_, response) => response.end());
  await expect(clientOf(server).uploadFile("a", "/no/such/file")).rejects.toMatchObject({
    code: "invalid_request",
    message: expect.stringContaining("/no/such/file (ENOENT)") as string,
  });
  await expect(clientOf(server).uploadFile("a", "secret\nlines")).rejects.toMatchObject({
    message: expect.not.stringContaining("secret") as string,
  });
});

test("the types of a service want what the vault wants", () => {
  const auth = { type: "bearer", token: "t" } as const;
  // @ts-expect-error an HTTP API needs its base URL
  const without: ServiceDefinition = { name: "a", auth };
  const whole: ServiceDefinition = { name: "a", base_url: "https://a.example", auth };
  const redis: ServiceDefinition = {
    name: "r",
    auth: { type: "redis", redis_host: "h", redis_password: "p" },
  };
  expect([without, whole, redis]).toHaveLength(3);
});
