import { request } from "node:http";
import type { AddressInfo } from "node:net";
import type { ServerType } from "@hono/node-server";
import { serve } from "@hono/node-server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ControlPlaneFixture } from "./testing/control-plane-fixture.js";
import { multipart, MULTIPART_HEADERS, startControlPlane } from "./testing/control-plane-fixture.js";

let fixture: ControlPlaneFixture;
let server: ServerType;
let port: number;
beforeAll(async () => {
  fixture = await startControlPlane();
  await new Promise<void>((resolve) => {
    const { fetch } = fixture.app;
    server = serve({ fetch, port: 0, hostname: "127.0.0.1" }, () => resolve());
  });
  port = (server.address() as AddressInfo).port;
});
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  await fixture.close();
});

interface Received {
  readonly status: number | undefined;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly text: string;
}

/** Sends the chunks one by one, so that the body has no announced length unless the headers say one. */
function send(
  method: string,
  path: string,
  headers: Record<string, string>,
  chunks: Buffer[] = [],
): Promise<Received> {
  return new Promise((resolve, reject) => {
    const authorization = { Authorization: `Bearer ${fixture.admin}` };
    const sent = request({
      port,
      host: "127.0.0.1",
      method,
      path,
      agent: false,
      headers: { ...authorization, ...headers },
    });
    sent.on("error", reject);
    sent.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.on("end", () => {
        resolve({ status: response.statusCode, headers: response.headers, text });
        sent.destroy();
      });
    });
    for (const chunk of chunks) sent.write(chunk);
    sent.end();
  });
}

describe("behind a real listener", () => {
  const json = { "Content-Type": "application/json" };

  test("a JSON body is read in chunks, and in one piece of announced length", async () => {
    const body = Buffer.from('{"scope":"proxy","name":"chunked"}');
    expect((await send("POST", "/tokens", json, [body.subarray(0, 7), body.subarray(7)])).status).toBe(201);
    const announced = { ...json, "Content-Length": String(body.length) };
    expect((await send("POST", "/tokens", announced, [body])).status).toBe(201);
    expect((await send("POST", "/tokens", { "Content-Length": "0" })).status).toBe(201);
  });

  test("a body over the limit is 413 whether its length is announced or not", async () => {
    const chunks = Array.from({ length: 20 }, () => Buffer.alloc(64 * 1024, " "));
    expect((await send("POST", "/tokens", json, chunks)).status).toBe(413);
    const announced = { ...json, "Content-Length": String(20 * 64 * 1024) };
    expect((await send("POST", "/tokens", announced, chunks)).status).toBe(413);
  });

  test("a file goes up, comes down, and HEAD gives its headers alone", async () => {
    const body = multipart(['name="file"; filename="a.bin"', undefined, Buffer.alloc(100_000, "x")]);
    expect((await send("POST", "/files", MULTIPART_HEADERS, [body])).status).toBe(201);
    expect((await send("GET", "/files/a.bin", {})).text).toBe("x".repeat(100_000));
    const head = await send("HEAD", "/files/a.bin", {});
    expect(head).toMatchObject({ status: 200, text: "", headers: { "content-length": "100000" } });
  });

  test("an answer without a body has none", async () => {
    const deleted = await send("DELETE", "/files/missing", {});
    expect(deleted).toMatchObject({
      status: 404,
      headers: { "x-vault-error": "not_found", "cache-control": "no-store" },
    });
  });
});
