import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createInjector } from "../auth-strategies/service-definition.js";
import type { Answer, ControlPlaneFixture } from "./testing/control-plane-fixture.js";
import { startControlPlane } from "./testing/control-plane-fixture.js";

let fixture: ControlPlaneFixture;
beforeEach(async () => {
  fixture = await startControlPlane();
});
afterEach(() => fixture.close());

const SECRET = "hunter2-hunter2";
const bearer = {
  name: "api",
  base_url: "https://api.example.com/v1",
  auth: { type: "bearer", token: SECRET },
};
const basic = {
  name: "api",
  base_url: "https://api.example.com",
  auth: { type: "basic", username: "key-user", password: SECRET },
};

const add = (json: unknown): Promise<Answer> =>
  fixture.call("POST", "/services", { token: fixture.admin, json });
const put = (name: string, json: unknown): Promise<Answer> =>
  fixture.call("PUT", `/services/${name}`, { token: fixture.admin, json });

/** The headers and query that a call to the service would get. */
function injected(name: string): string[] {
  const record = fixture.parts.services.records.get(name);
  if (record === undefined) throw new Error("no such service");
  const request = { method: "GET", basePath: "", path: "", query: undefined, headers: [] as string[] };
  void createInjector(record).inject(request);
  return request.headers;
}

describe("POST /services", () => {
  test("adds a service and answers without its secret", async () => {
    const answer = await add(bearer);
    expect(answer).toMatchObject({ status: 201, json: { name: "api", auth_type: "bearer" } });
    expect(answer.text).not.toContain(SECRET);
    expect(injected("api")).toEqual(["Authorization", `Bearer ${SECRET}`]);
  });

  test("replaces the service of that name as a whole", async () => {
    await add({ ...bearer, description: "first" });
    expect((await add(basic)).status).toBe(201);
    const shown = await fixture.call("GET", "/services/api", { token: fixture.proxy });
    expect(shown.json).not.toHaveProperty("description");
    expect(shown.json).toMatchObject({ auth_type: "basic" });
  });

  test.each([
    [{ header_name: "X-Key", header_value: SECRET, type: "header" }],
    [{ headers: { "X-A": SECRET, "X-B": "other" }, type: "headers" }],
    [{ type: "query", params: { key: SECRET } }],
  ])("takes auth %j and shows no secret of it", async (auth) => {
    expect((await add({ ...bearer, auth })).status).toBe(201);
    for (const path of ["/services", "/services/api"]) {
      const shown = await fixture.call("GET", path, { token: fixture.proxy });
      expect(shown.status).toBe(200);
      expect(shown.text).not.toContain(SECRET);
    }
  });

  test.each([
    [{ ...bearer, name: "../x" }, /^name: must begin with a letter or digit/],
    [{ ...bearer, name: "x".repeat(129) }, /^name: must have at most 128 characters$/],
    [{ ...bearer, base_url: "http://api.example.com" }, /^base_url: /],
    [{ ...bearer, base_url: "https://user:pw@api.example.com" }, /^base_url: /],
    [{ ...bearer, base_url: "https://127.0.0.1" }, /^base_url: /],
    [
      { ...bearer, auth: { type: "bearer", token: `${SECRET}\n` } },
      /^auth\.token: is not a legal HTTP header value/,
    ],
    [{ ...bearer, auth: { type: "bearer", token: SECRET, toke: SECRET } }, /^unknown field auth\.toke$/],
    [{ ...bearer, auth: { type: SECRET } }, /^auth\.type: must be one of bearer, /],
    [{ ...bearer, auth: { type: "url", token: SECRET } }, /^base_url: must hold \{token\}/],
    [{ ...bearer, connect_timeout: "soon" }, /^connect_timeout: must be a duration/],
    [{ ...bearer, policy: "x" }, /^unknown field policy$/],
  ])("of %j is 400, names the field and changes nothing", async (json, error) => {
    const before = fixture.snapshot();
    const answer = await add(json);
    expect(answer).toMatchObject({ status: 400, json: { error: expect.stringMatching(error) as unknown } });
    expect(answer.text).not.toContain("hunter2");
    expect(fixture.snapshot()).toBe(before);
  });
});

describe("GET /services", () => {
  test("lists by name", async () => {
    for (const name of ["b", "a", "c"]) await add({ ...bearer, name });
    const { json } = await fixture.call("GET", "/services", { token: fixture.proxy });
    expect((json as { name: string }[]).map(({ name }) => name)).toEqual(["a", "b", "c"]);
  });

  test.each(["constructor", "toString", "hasOwnProperty", "missing"])("of %s is 404", async (name) => {
    const answer = await fixture.call("GET", `/services/${name}`, { token: fixture.proxy });
    expect(answer).toMatchObject({ status: 404, json: { error: "no such service", code: "not_found" } });
  });

  test.each(["__proto__", "a%2Fb", "%00", "a b", "%ff"])("of %s is 400", async (name) => {
    const answer = await fixture.call("GET", `/services/${name}`, { token: fixture.proxy });
    expect(answer).toMatchObject({
      status: 400,
      json: { error: expect.stringMatching(/^name: /) as unknown },
    });
  });

  test("keeps a service named constructor apart from every other", async () => {
    await add({ ...bearer, name: "constructor" });
    const { json } = await fixture.call("GET", "/services", { token: fixture.proxy });
    expect(json).toHaveLength(1);
    expect((await fixture.call("GET", "/services/constructor", { token: fixture.proxy })).status).toBe(200);
  });
});

describe("PUT /services/{name}", () => {
  test("changes what it says and keeps the secret that it leaves out", async () => {
    await add(bearer);
    const answer = await put("api", {
      base_url: "https://api.example.com/v2",
      description: "new",
      auth: { type: "bearer" },
    });
    expect(answer).toMatchObject({
      status: 200,
      json: { name: "api", base_url: "https://api.example.com/v2", description: "new" },
    });
    expect(injected("api")).toEqual(["Authorization", `Bearer ${SECRET}`]);
  });

  test("keeps each secret on its own, one with a default too", async () => {
    await add(basic);
    const { base_url } = basic;
    await put("api", { base_url, auth: { type: "basic", password: "new-password" } });
    expect(injected("api")[1]).toBe(`Basic ${Buffer.from("key-user:new-password").toString("base64")}`);
    await put("api", { base_url, auth: { type: "basic", username: "new-user" } });
    expect(injected("api")[1]).toBe(`Basic ${Buffer.from("new-user:new-password").toString("base64")}`);
    await put("api", { base_url, auth: { type: "basic", username: "" } });
    expect(injected("api")[1]).toBe(`Basic ${Buffer.from(":new-password").toString("base64")}`);
  });

  test("keeps a whole set of secret headers, or replaces it as a whole", async () => {
    await add({ ...bearer, auth: { type: "headers", headers: { "X-A": "a-secret", "X-B": "b-secret" } } });
    await put("api", { base_url: bearer.base_url, auth: { type: "headers" } });
    expect(injected("api")).toEqual(["X-A", "a-secret", "X-B", "b-secret"]);
    await put("api", { base_url: bearer.base_url, auth: { type: "headers", headers: { "X-C": "c" } } });
    expect(injected("api")).toEqual(["X-C", "c"]);
  });

  test("lets the path's name win", async () => {
    await add(bearer);
    expect((await put("api", { ...bearer, name: "other" })).json).toMatchObject({ name: "api" });
    expect([...fixture.parts.services.records.keys()]).toEqual(["api"]);
    expect(fixture.parts.services.records.get("api")?.name).toBe("api");
  });

  test.each(["", "../x", "__proto__", "x".repeat(500), "\ud800"])(
    "lets the path's name win over %j, which no service can have",
    async (name) => {
      await add(bearer);
      expect(await put("api", { ...bearer, name })).toMatchObject({ status: 200, json: { name: "api" } });
      expect([...fixture.parts.services.records.keys()]).toEqual(["api"]);
    },
  );

  test("wants the secret where the auth type changes", async () => {
    await add(bearer);
    const before = fixture.snapshot();
    const { base_url } = bearer;
    expect(await put("api", { base_url, auth: { type: "url" } })).toMatchObject({
      status: 400,
      json: { error: "auth.token: is required" },
    });
    expect(await put("api", { base_url, auth: { type: "basic" } })).toMatchObject({
      status: 400,
      json: { error: "auth.password: is required" },
    });
    expect(fixture.snapshot()).toBe(before);
    expect(
      (await put("api", { base_url, auth: { type: "header", header_name: "X-K", header_value: "v" } }))
        .status,
    ).toBe(200);
    expect(injected("api")).toEqual(["X-K", "v"]);
  });

  test("of an unknown service is 404 and adds nothing", async () => {
    expect(await put("api", bearer)).toMatchObject({ status: 404, json: { code: "not_found" } });
    expect(fixture.parts.services.records.size).toBe(0);
  });

  test.each([
    [{ auth: { type: "bearer" } }, "base_url: is required"],
    [{ ...bearer, base_url: "http://api.example.com" }, /^base_url: /],
    [{ ...bearer, auth: { type: "bearer", token: null } }, "auth.token: must be a string"],
    [{ ...bearer, auth: { type: "bearer", token: "" } }, "auth.token: must not be empty"],
    [{ ...bearer, auth: undefined }, "auth: is required"],
    [{ ...bearer, name: 5 }, "name: must be a string"],
  ])("of %j is 400 and changes nothing", async (json, error) => {
    await add(bearer);
    const before = fixture.snapshot();
    const answer = await put("api", json);
    expect(answer.status).toBe(400);
    expect((answer.json as { error: string }).error).toMatch(error);
    expect(fixture.snapshot()).toBe(before);
  });

  test("merges at its turn, so that two at once lose nothing", async () => {
    await add(basic);
    const { base_url } = basic;
    const answers = await Promise.all([
      put("api", { base_url, auth: { type: "basic", username: "second-user" } }),
      put("api", { base_url, auth: { type: "basic", password: "second-password" } }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(injected("api")[1]).toBe(`Basic ${Buffer.from("second-user:second-password").toString("base64")}`);
  });
});

describe("DELETE /services/{name}", () => {
  const remove = (name: string): Promise<Answer> =>
    fixture.call("DELETE", `/services/${name}`, { token: fixture.admin });

  test("deletes once, then is 404", async () => {
    await add(bearer);
    expect(await remove("api")).toMatchObject({ status: 200, json: { status: "deleted" } });
    expect(await remove("api")).toMatchObject({ status: 404, json: { code: "not_found" } });
    expect((await fixture.call("GET", "/services", { token: fixture.proxy })).json).toEqual([]);
  });
});

test("changes are logged by name and type, without a secret or a whole token", async () => {
  await add(bearer);
  await add(bearer);
  await put("api", { base_url: bearer.base_url, auth: { type: "bearer" } });
  await fixture.call("DELETE", "/services/api", { token: fixture.admin });
  const lines = fixture.logged.filter((line) => line.includes('"service":"api"'));
  expect(lines.map((line) => (JSON.parse(line) as { message: string }).message)).toEqual([
    "service added",
    "service replaced",
    "service updated",
    "service deleted",
  ]);
  expect(fixture.logged.join()).not.toContain(SECRET);
  expect(fixture.logged.join()).not.toContain(fixture.admin);
  expect(lines.every((line) => line.includes(`"by":"${fixture.admin.slice(0, 12)}"`))).toBe(true);
});

describe("PATCH /services/{name}", () => {
  const patch = (name: string, json: unknown, token = fixture.admin): Promise<Answer> =>
    fixture.call("PATCH", `/services/${name}`, { token, json });

  test("changes what it names, and answers without a secret", async () => {
    await add({ ...bearer, description: "kept", session_cookies: true });
    const answer = await patch("api", { auth: { token: "another-secret" } });
    expect(answer).toMatchObject({ status: 200, json: { description: "kept", session_cookies: true } });
    expect(answer.text).not.toContain("another-secret");
    expect(injected("api")).toEqual(["Authorization", "Bearer another-secret"]);
  });

  test("takes the media type of changes, as no other route does, and the service's own name", async () => {
    await add(bearer);
    const call = (method: string, type: string, body: unknown): Promise<Answer> =>
      fixture.call(method, "/services/api", {
        ...{ token: fixture.admin, body: JSON.stringify(body) },
        headers: { "Content-Type": type },
      });
    const type = "application/merge-patch+json; charset=utf-8";
    expect(await call("PATCH", type, { name: "api", description: "other" })).toMatchObject({
      ...{ status: 200, json: { name: "api", description: "other" } },
    });
    expect(await call("PATCH", "application/json-patch+json", [])).toMatchObject({
      status: 415,
      json: { error: "Content-Type must be application/json or application/merge-patch+json" },
    });
    expect(await call("PUT", type, bearer)).toMatchObject({
      status: 415,
      json: { error: "Content-Type must be application/json" },
    });
  });

  test("is for admins, and for services that there are", async () => {
    await add(bearer);
    expect((await patch("api", { description: "x" }, fixture.proxy)).status).toBe(403);
    expect((await patch("nothing", { description: "x" })).status).toBe(404);
    expect(injected("api")).toEqual(["Authorization", `Bearer ${SECRET}`]);
  });

  test.each([
    [{ auth: { toke: null } }, /^unknown field auth\.toke$/],
    [{ auth: { [SECRET]: null } }, /^an unknown field in auth$/],
    [{ descripton: null }, /^unknown field descripton$/],
    [{ auth: { header_name: "X-Key" } }, /^unknown field auth\.header_name$/],
    [{ auth: { type: SECRET } }, /^auth\.type: must be one of bearer, /],
    [{ auth: null }, /^auth: must be an object$/],
    [{ tls_skip_verify: "yes" }, /^tls_skip_verify: must be true or false$/],
    [{ name: "other" }, /^name: a service keeps its name$/],
    [{ name: null }, /^name: must be a string$/],
  ])("refuses %j and names what is wrong", async (body, message) => {
    await add(bearer);
    const answer = await patch("api", body);
    expect(answer).toMatchObject({ status: 400, json: { error: expect.stringMatching(message) as string } });
    expect(answer.text).not.toContain(SECRET);
  });
});
