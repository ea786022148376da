import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { createBoundedSender } from "./bounded-request.js";

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

const never = new AbortController().signal;
const OPEN = { allowPrivate: true, rejectUnauthorized: true };
const send = createBoundedSender(undefined, { totalTimeoutMs: 300 });

async function serve(listener: RequestListener): Promise<string> {
  server = createServer(listener);
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/token?a=%2F`;
}

const post = (url: string, signal = never) =>
  send({ url, method: "POST", headers: { "x-a": "1" }, body: "b=c", destination: OPEN, signal });

describe("a request of the vault's own", () => {
  test("sends what it is given, and reads the whole answer", async () => {
    const seen: string[] = [];
    const url = await serve((request, response) => {
      seen.push(`${request.method ?? ""} ${request.url ?? ""} ${request.headers["x-a"] as string}`);
      request.on("data", (chunk: Buffer) => seen.push(chunk.toString()));
      request.on("end", () =>
        response
          .writeHead(201, [
            ["A", "1"],
            ["A", "2"],
          ])
          .end("answer"),
      );
    });
    const { status, headers, body } = await post(url);
    expect(seen).toEqual(["POST /token?a=%2F 1", "b=c"]);
    expect([status, headers.get("a"), body.toString()]).toEqual([201, "1", "answer"]);
  });

  test("follows no redirect", async () => {
    let calls = 0;
    const url = await serve((_, response) => {
      calls += 1;
      response.writeHead(307, { Location: "/elsewhere" }).end();
    });
    expect((await post(url)).status).toBe(307);
    expect(calls).toBe(1);
  });

  test.each([
    [
      "more than a megabyte",
      (): RequestListener => (_, response) => void response.end(Buffer.alloc(1_048_577)),
      "upstream_failed",
    ],
    ["nothing", (): RequestListener => () => undefined, "upstream_timeout"],
    [
      "a body without end",
      (): RequestListener => (_, response) => void response.write("a"),
      "upstream_timeout",
    ],
    [
      "a body that breaks off",
      (): RequestListener => (_, response) => {
        response.writeHead(200, { "Content-Length": 9 }).write("a", () => response.destroy());
      },
      "upstream_failed",
    ],
    [
      "too large a head",
      (): RequestListener => (_, response) => void response.writeHead(200, { A: "a".repeat(70_000) }).end(),
      "upstream_failed",
    ],
  ])("is given up when the answer is %s", async (_, listener, code) => {
    const url = await serve(listener());
    await expect(post(url)).rejects.toMatchObject({ code });
  });

  test("takes just a megabyte", async () => {
    const url = await serve((_, response) => void response.end(Buffer.alloc(1_048_576)));
    expect((await post(url)).body.length).toBe(1_048_576);
  });

  test("goes nowhere that the service may not go", async () => {
    let calls = 0;
    const url = await serve(() => (calls += 1));
    const strict = { allowPrivate: false, rejectUnauthorized: true };
    const sent = send({ url, method: "GET", headers: {}, destination: strict, signal: never });
    await expect(sent).rejects.toMatchObject({ code: "destination_blocked" });
    expect(calls).toBe(0);
  });

  test("rejects with the reason for which it was aborted", async () => {
    const abort = new AbortController();
    const url = await serve(() => abort.abort(new Error("enough")));
    await expect(post(url, abort.signal)).rejects.toThrow("enough");
  });
});
