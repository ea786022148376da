import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newToken } from "../tokens/token-format.js";
import type { ControlPlaneFixture } from "./testing/control-plane-fixture.js";
import type { ControlPlane } from "./app.js";
import { createControlPlane } from "./app.js";
import { multipart, MULTIPART_HEADERS, startControlPlane } from "./testing/control-plane-fixture.js";

let fixture: ControlPlaneFixture;
beforeAll(async () => {
  fixture = await startControlPlane();
});
afterAll(() => fixture.close());

const ADMIN_ONLY: [string, string][] = [
  ["POST", "/auth/lock"],
  ["POST", "/auth/password"],
  ["POST", "/auth/recovery-key"],
  ["POST", "/auth/oauth2/authorize"],
  ["POST", "/auth/oauth2/device"],
  ["GET", "/auth/oauth2/flows/a"],
  ["DELETE", "/auth/oauth2/flows/a"],
  ["POST", "/services"],
  ["PUT", "/services/api"],
  ["DELETE", "/services/api"],
  ["POST", "/files"],
  ["GET", "/files"],
  ["GET", "/files/a"],
  ["DELETE", "/files/a"],
  ["POST", "/tokens"],
  ["GET", "/tokens"],
  ["DELETE", "/tokens/tok_a"],
];
const ANY_TOKEN: [string, string][] = [
  ["GET", "/health/tokens"],
  ["GET", "/services"],
  ["GET", "/services/api"],
];
const unknownToken = newToken((size) => Buffer.alloc(size, 7));

describe("the order of checks", () => {
  test.each([...ADMIN_ONLY, ...ANY_TOKEN])(
    "%s %s without a token is 401, whatever the body",
    async (method, path) => {
      const body = method === "GET" ? {} : { body: "{", headers: { "Content-Type": "text/plain" } };
      expect((await fixture.call(method, path, body)).status).toBe(401);
      expect((await fixture.call(method, path, { ...body, token: unknownToken })).status).toBe(401);
      expect((await fixture.call(method, path, { ...body, token: "nonsense" })).status).toBe(401);
    },
  );

  test.each(ADMIN_ONLY)("%s %s with a proxy token is 403, whatever the body", async (method, path) => {
    const body = method === "GET" ? {} : { body: "{", headers: { "Content-Type": "text/plain" } };
    const before = fixture.snapshot();
    const answer = await fixture.call(method, path, { ...body, token: fixture.proxy });
    expect(answer).toMatchObject({ status: 403, json: { code: "forbidden" } });
    expect(fixture.snapshot()).toBe(before);
    expect(fixture.vault.status).toBe("unlocked");
  });

  test.each(ANY_TOKEN)("%s %s takes a proxy token", async (method, path) => {
    expect([200, 404]).toContain((await fixture.call(method, path, { token: fixture.proxy })).status);
  });
});

describe("the token", () => {
  test.each(["bearer", "BEARER", "Bearer"])("is read with the scheme written %s", async (scheme) => {
    const headers = { Authorization: `${scheme} ${fixture.proxy}` };
    expect((await fixture.call("GET", "/services", { headers })).status).toBe(200);
  });

  test("is read from Authorization: Bearer only", async () => {
    const basic = Buffer.from(`${fixture.proxy}:`).toString("base64");
    for (const headers of [
      { Authorization: fixture.proxy },
      { Authorization: `token ${fixture.proxy}` },
      { Authorization: `Basic ${basic}` },
      { Authorization: `Bearer ${fixture.proxy}, Bearer ${fixture.proxy}` },
      { "X-Vault-Token": fixture.proxy },
      { "X-Api-Key": fixture.proxy },
    ]) {
      expect((await fixture.call("GET", "/services", { headers })).status).toBe(401);
    }
    expect((await fixture.call("GET", `/services?token=${fixture.proxy}`)).status).toBe(401);
  });

  test("revoked while its request's body was on the way does not act", async () => {
    const issued = await fixture.call("POST", "/tokens", { token: fixture.admin, json: { scope: "admin" } });
    const { id } = issued.json as { id: string };
    for (const [path, type, body] of [
      ["/tokens", "application/json", "{}"],
      [
        "/files",
        MULTIPART_HEADERS["Content-Type"],
        multipart(['name="file"; filename="late"', undefined, "x"]),
      ],
    ] as const) {
      const again = await fixture.call("POST", "/tokens", { token: fixture.admin, json: { scope: "admin" } });
      const { id: slow } = again.json as { id: string };
      let sendBody: () => void = () => undefined;
      const stream = new ReadableStream({
        start(controller) {
          sendBody = () => {
            controller.enqueue(Buffer.from(body));
            controller.close();
          };
        },
      });
      const init = { method: "POST", body: stream, duplex: "half" };
      const headers = { Authorization: `Bearer ${slow}`, "Content-Type": type };
      const pending = fixture.app.request(path, { ...init, headers } as RequestInit);
      await new Promise((resolve) => setImmediate(resolve));
      await fixture.call("DELETE", `/tokens/${slow}`, { token: id });
      const before = fixture.snapshot();
      sendBody();
      expect(await (await pending).text()).toMatch(/"unauthorized"/);
      expect(fixture.snapshot()).toBe(before);
    }
  });
});

describe("paths and methods", () => {
  test.each(["/", "/nothing", "/services/", "/services/a/b", "/proxy/api/x", "//services", "/SERVICES"])(
    "GET %s is 404",
    async (path) => {
      expect(await fixture.call("GET", path)).toMatchObject({ status: 404, json: { code: "not_found" } });
    },
  );

  test.each([
    ["PATCH", "/services", "GET, HEAD, POST"],
    ["POST", "/services/api", "DELETE, GET, HEAD, PATCH, PUT"],
    ["GET", "/auth/unlock", "POST"],
    ["DELETE", "/health", "GET, HEAD"],
    ["OPTIONS", "/tokens", "GET, HEAD, POST"],
    ["POST", "/openapi.json", "GET, HEAD"],
  ])("%s %s is 405 and says what is allowed", async (method, path, allow) => {
    const answer = await fixture.call(method, path, { token: fixture.admin });
    expect(answer).toMatchObject({ status: 405, json: { code: "method_not_allowed" } });
    expect(answer.headers.get("allow")).toBe(allow);
  });

  test.each(["/health", "/services", "/openapi.json", "/tokens"])(
    "HEAD %s answers as GET, without a body",
    async (path) => {
      const answer = await fixture.call("HEAD", path, { token: fixture.admin });
      expect(answer).toMatchObject({ status: 200, text: "" });
      expect((await fixture.call("HEAD", "/files")).status).toBe(401);
    },
  );
});

describe("bodies", () => {
  const post = (init: Parameters<ControlPlaneFixture["call"]>[2]): ReturnType<ControlPlaneFixture["call"]> =>
    fixture.call("POST", "/services", { token: fixture.admin, ...init });

  test.each([
    ["no type", {}],
    ["text/plain", { "Content-Type": "text/plain" }],
    ["a form", { "Content-Type": "application/x-www-form-urlencoded" }],
    ["a type that only ends in json", { "Content-Type": "application/vnd.api+json" }],
    ["two types", { "Content-Type": "application/json, text/plain" }],
  ])("of %s are 415", async (_title, headers) => {
    const answer = await post({ body: Buffer.from("{}"), headers: headers });
    expect(answer).toMatchObject({ status: 415, json: { code: "unsupported_media_type" } });
  });

  test.each([
    "application/json",
    "Application/JSON",
    "application/json;charset=utf-8",
    "application/json ; charset=utf-8",
  ])("of type %s are read", async (type) => {
    const answer = await post({ body: "{}", headers: { "Content-Type": type } });
    expect(answer).toMatchObject({ status: 400, json: { error: /^name: is required/ } });
  });

  test.each([
    ["nothing after a brace", "{"],
    ["a lone value", '"'],
    ["deep nesting that never closes", "[".repeat(500_000)],
    ["a comment", "{} // x"],
  ])("with %s are 400", async (_title, body) => {
    const answer = await post({ body, headers: { "Content-Type": "application/json" } });
    expect(answer).toMatchObject({ status: 400, json: { error: "body: is not valid JSON" } });
  });

  test("that are not UTF-8 are 400", async () => {
    const body = Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]);
    const answer = await post({ body, headers: { "Content-Type": "application/json" } });
    expect(answer).toMatchObject({ status: 400, json: { error: "body: is not valid UTF-8" } });
  });

  test.each(["null", "[]", "1", '"x"', "true"])("that are %s are 400", async (body) => {
    const answer = await post({ body, headers: { "Content-Type": "application/json" } });
    expect(answer).toMatchObject({ status: 400, json: { error: "body: must be an object" } });
  });

  test("of 1 MiB are read and one byte more is 413, announced or not", async () => {
    const headers = { "Content-Type": "application/json" };
    const fitting = `"${"x".repeat(1024 * 1024 - 2)}"`;
    expect((await post({ body: fitting, headers })).status).toBe(400);
    const tooLarge = `${fitting} `;
    expect(await post({ body: tooLarge, headers })).toMatchObject({
      status: 413,
      json: { code: "body_too_large" },
    });
    const announced = { ...headers, "Content-Length": String(tooLarge.length) };
    expect((await post({ body: "{}", headers: announced })).status).toBe(413);
  });

  test("that break off are 400", async () => {
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(Buffer.from("{"));
        controller.error(new Error("gone"));
      },
    });
    const headers = { Authorization: `Bearer ${fixture.admin}`, "Content-Type": "application/json" };
    const init = { method: "POST", body, headers, duplex: "half" };
    const response = await fixture.app.request("/services", init as RequestInit);
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      error: "body: did not arrive completely",
      code: "invalid_request",
    });
  });

  test.each(["", '{"auth":{"type":"headers","headers":', '{"headers":'])(
    "with __proto__ are 400",
    async (start) => {
      const ends = "}".repeat(start.split("{").length - 1);
      const body = `${start}{"__proto__":{"x":"y"}}${ends}`;
      const answer = await post({ body, headers: { "Content-Type": "application/json" } });
      expect(answer).toMatchObject({ status: 400, json: { error: "body: unknown field __proto__" } });
    },
  );
});

function brokenControlPlane(thrown: unknown): { app: ControlPlane; logged: string[] } {
  const logged: string[] = [];
  const write = (fields: object, message: string): void =>
    void logged.push(JSON.stringify({ ...fields, message }));
  const app = createControlPlane({
    ...fixture.parts,
    log: { info: write, warn: write, error: write },
    requestIdOf: () => "req-2",
    get version(): string {
      throw thrown as Error;
    },
  });
  return { app, logged };
}

describe("a fault of our own", () => {
  test("is 500 without its text, in the answer and in the log", async () => {
    const { app, logged } = brokenControlPlane(new Error("hunter2"));
    const response = await app.request("/health");
    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({ error: "internal error", code: "internal" });
    expect(response.headers.get("x-vault-request-id")).toBe("req-2");
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(logged).toHaveLength(1);
    expect(logged[0]).toMatch(/"request_id":"req-2","error":"internal"/);
    expect(logged.join()).not.toContain("hunter2");
  });

  test("is 500 even if what was thrown is no Error", async () => {
    const { app, logged } = brokenControlPlane("hunter2");
    const response = await app.request("/health");
    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({ error: "internal error", code: "internal" });
    expect(logged.join()).not.toContain("hunter2");
  });
});
