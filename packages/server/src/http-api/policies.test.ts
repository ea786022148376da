import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Answer, ControlPlaneFixture } from "./testing/control-plane-fixture.js";
import { startControlPlane } from "./testing/control-plane-fixture.js";

let fixture: ControlPlaneFixture;
beforeEach(async () => {
  fixture = await startControlPlane();
});
afterEach(() => fixture.close());

const TRIAGE = {
  name: "triage-bot",
  description: "Reads issues.",
  rules: [
    { service: "github", methods: ["GET"], paths: ["/repos/acme/**"] },
    { service: "prod", actions: ["exec"], commands: ["docker ps"] },
    { service: "prod", actions: ["download"], remote_paths: ["/var/log/app"] },
    { service: ["db", "cache"], actions: ["session"] },
  ],
  limits: { requests_per_minute: 60, bytes_per_day: "1GB" },
};

const asAdmin = (method: string, path: string, json?: unknown): Promise<Answer> =>
  fixture.call(method, path, { token: fixture.admin, ...(json === undefined ? {} : { json }) });
const sendYaml = (method: string, path: string, body: string): Promise<Answer> =>
  fixture.call(method, path, {
    token: fixture.admin,
    body,
    headers: { "Content-Type": "application/yaml; charset=utf-8" },
  });
const tokenWith = async (policy: unknown): Promise<string> =>
  ((await asAdmin("POST", "/tokens", { policy })).json as { id: string }).id;

describe("a policy", () => {
  test("is added, shown, listed by name, and replaced with a version more", async () => {
    const added = await asAdmin("POST", "/policies", TRIAGE);
    const kept = { ...TRIAGE, version: 1, updated_at: "2026-03-01T12:00:00.000Z" };
    expect(added).toMatchObject({ status: 201, json: kept });
    expect((await asAdmin("GET", "/policies/triage-bot")).json).toEqual(kept);
    await asAdmin("POST", "/policies", { name: "a", rules: [] });
    expect((await asAdmin("GET", "/policies")).json).toMatchObject([{ name: "a" }, kept]);
    fixture.wait(1000);
    const again = await asAdmin("POST", "/policies", { name: "triage-bot", rules: [] });
    expect(again.json).toEqual({
      ...{ name: "triage-bot", rules: [], version: 2, updated_at: "2026-03-01T12:00:01.000Z" },
    });
  });

  test("is read from YAML as from JSON", async () => {
    const yaml = "name: y\nrules:\n  - service: github\n    methods: [GET]\n    paths: ['/user']\n";
    expect(await sendYaml("POST", "/policies", yaml)).toMatchObject({
      status: 201,
      json: { name: "y", rules: [{ service: "github", methods: ["GET"], paths: ["/user"] }], version: 1 },
    });
    const { json } = await sendYaml("PUT", "/policies/y", "rules: []\n");
    expect(json).toMatchObject({ name: "y", rules: [], version: 2 });
  });

  test("is replaced under the path's name", async () => {
    await asAdmin("POST", "/policies", TRIAGE);
    const answer = await asAdmin("PUT", "/policies/triage-bot", { name: "!", rules: [] });
    expect(answer).toMatchObject({ status: 200, json: { name: "triage-bot", rules: [], version: 2 } });
    expect(await asAdmin("PUT", "/policies/other", { rules: [] })).toMatchObject({
      status: 404,
      json: { error: "no such policy" },
    });
  });

  test.each([
    [{ rules: [] }, "name: is required"],
    [{ name: "../x", rules: [] }, /^name: must begin with a letter/],
    [{ name: "test", rules: [{ service: "a", path: "/" }] }, "unknown field rules.0.path"],
    [{ name: "p", rules: [{ service: "a", paths: ["user"] }] }, /^rules\.0\.paths\.0: /],
    [{ name: "p", rules: [], limits: { max_uses: 0 } }, "limits.max_uses: must be at least 1"],
  ])("%j is 400 and kept nowhere", async (policy, error) => {
    const answer = await asAdmin("POST", "/policies", policy);
    expect(answer.status).toBe(400);
    expect((answer.json as { error: string }).error).toMatch(error);
    expect((await asAdmin("GET", "/policies")).json).toEqual([]);
  });

  test.each([
    ["name: p\nrules: &a []\n", "body: the policy must not hold a YAML anchor"],
    ["name: p\nname: q\nrules: []\n", "body: the policy is not valid YAML at line 2"],
    ["- 1", "body: must be an object"],
    ["", "body: must be an object"],
    ['{"__proto__": {}, "name": "p", "rules": []}', "body: unknown field __proto__"],
  ])("as YAML %j is 400", async (text, error) => {
    expect(await sendYaml("POST", "/policies", text)).toMatchObject({ status: 400, json: { error } });
  });

  test("of another media type is 415, and too long a text 413", async () => {
    const headers = { "Content-Type": "text/plain" };
    const options = { token: fixture.admin, body: "name: p", headers };
    expect((await fixture.call("POST", "/policies", options)).status).toBe(415);
    expect((await sendYaml("POST", "/policies", "#".repeat(256 * 1024 + 1))).status).toBe(413);
  });

  test("is nothing for a proxy token", async () => {
    for (const [method, path] of [
      ["GET", "/policies"],
      ["POST", "/policies"],
      ["GET", "/policies/x"],
      ["PUT", "/policies/x"],
      ["DELETE", "/policies/x"],
      ["POST", "/policies/test"],
    ] as const) {
      expect((await fixture.call(method, path, { token: fixture.proxy })).status).toBe(403);
    }
  });

  test("that valid tokens have is deleted by force only", async () => {
    await asAdmin("POST", "/policies", TRIAGE);
    await tokenWith("triage-bot");
    await tokenWith("triage-bot");
    await asAdmin("POST", "/tokens", { policy: "triage-bot", ttl: "1s" });
    fixture.wait(1000);
    expect(await asAdmin("DELETE", "/policies/triage-bot")).toMatchObject({
      status: 409,
      json: { error: "2 tokens have this policy" },
    });
    expect((await asAdmin("DELETE", "/policies/triage-bot?force=yes")).status).toBe(400);
    expect((await asAdmin("DELETE", "/policies/triage-bot?force=true")).status).toBe(200);
    expect((await asAdmin("DELETE", "/policies/triage-bot")).status).toBe(404);
    expect((await asAdmin("GET", "/tokens")).json).toContainEqual(
      expect.objectContaining({ policy: "triage-bot" }),
    );
  });
});

describe("POST /policies/test", () => {
  const ask = async (asked: object): Promise<Answer> => asAdmin("POST", "/policies/test", asked);

  test.each([
    [
      { service: "github", method: "GET", path: "/repos/acme/app?page=2" },
      { allowed: true, rule: "triage-bot/1" },
    ],
    [
      { service: "prod", action: "exec", command: "docker ps -a" },
      { allowed: true, rule: "triage-bot/2" },
    ],
    [
      { service: "prod", action: "download", remote_path: "/var/log/app/1" },
      { allowed: true, rule: "triage-bot/3" },
    ],
    [
      { service: "db", action: "session" },
      { allowed: true, rule: "triage-bot/4" },
    ],
    [
      { service: "github", method: "POST", path: "/repos/acme/app" },
      { allowed: false, reason: "no rule of the token's policy allows this method and path at this service" },
    ],
    [
      { service: "github", method: "GET", path: "/repos/acme/../evil" },
      { allowed: false, reason: expect.stringMatching(/and the path /) as unknown },
    ],
    [
      { service: "prod", action: "exec", command: "docker rm" },
      { allowed: false, reason: "no rule of the token's policy allows this action at this service" },
    ],
  ])("%j", async (asked, verdict) => {
    await asAdmin("POST", "/policies", TRIAGE);
    expect(await ask({ policy: "triage-bot", ...asked })).toMatchObject({ status: 200, json: verdict });
  });

  test.each([
    [{ method: "GET", path: "/a/../b" }, "path: must not hold a . or .. segment, in any encoding"],
    [{ method: "GET", path: "/a/%2e%2e/b" }, "path: must not hold a . or .. segment, in any encoding"],
    [{ method: "GET", path: "/a b" }, "path: holds a character that must be percent-encoded"],
    [{ method: "GET", path: "/a?b c" }, "query: holds a character that must be percent-encoded"],
    [{ method: "TRACE", path: "/" }, "TRACE is not supported"],
    [{ method: "CONNECT", path: "/" }, "CONNECT is not supported"],
    [{ action: "download", remote_path: "srv/x" }, /^remote_path: .*absolute/],
    [{ action: "upload", remote_path: "/etc/shadow" }, /^remote_path: is in a directory/],
  ])("says of %j, which no call may do, that it is not allowed", async (asked, reason) => {
    const answer = await ask({ policy: { rules: [{ service: "*" }] }, service: "any", ...asked });
    expect(answer).toMatchObject({ status: 200, json: { allowed: false } });
    expect((answer.json as { reason: string }).reason).toMatch(reason);
  });

  test("takes a policy that is not stored, and heeds its validity", async () => {
    const policy = { rules: [{ service: "*" }], valid: { until: "2026-03-01T12:00:01Z" } };
    const asked = { policy, service: "any", method: "GET", path: "/" };
    expect((await ask(asked)).json).toEqual({ allowed: true, rule: "rules/1" });
    fixture.wait(1000);
    expect((await ask(asked)).json).toEqual({
      allowed: false,
      reason: "the token's policy is not valid any more",
    });
  });

  test.each([
    [{ service: "a", method: "GET", path: "/" }, 400, "policy: is required"],
    [{ policy: "none", service: "a", method: "GET", path: "/" }, 404, "no such policy"],
    [{ policy: { rules: [] }, service: "a", method: "GET" }, 400, "path: is required"],
    [{ policy: { rules: [] }, service: "a", method: "GET", path: "x" }, 400, "path: must begin with /"],
    [
      { policy: { rules: [] }, service: "a", method: "get", path: "/" },
      ...([400, "method: must be a method in capital letters, such as GET"] as const),
    ],
    [
      { policy: { rules: [] }, service: "*", method: "GET", path: "/" },
      ...([400, expect.stringMatching(/^service: must begin with/) as unknown] as const),
    ],
    [{ policy: { rules: [] }, service: "a", action: "exec" }, 400, "command: is required"],
    [{ policy: { rules: [] }, service: "a", action: "exec", command: "" }, 400, "command: must not be empty"],
    [
      { policy: { rules: [] }, service: "a", action: "session", remote_path: "/" },
      400,
      "remote_path: is for upload and download only",
    ],
    [
      { policy: { rules: [{ service: "a", path: "/" }] }, service: "a", action: "session" },
      400,
      "unknown field policy.rules.0.path",
    ],
  ])("of %j is refused", async (asked, status, error) => {
    expect(await ask(asked)).toMatchObject({ status, json: { error } });
  });
});
