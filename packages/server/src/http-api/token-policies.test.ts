import { readFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Answer, ControlPlaneFixture } from "./testing/control-plane-fixture.js";
import { startControlPlane } from "./testing/control-plane-fixture.js";

let fixture: ControlPlaneFixture;
beforeEach(async () => {
  fixture = await startControlPlane();
});
afterEach(() => fixture.close());

const OWN = {
  rules: [{ service: "github", methods: ["GET", "POST"], paths: ["/repos/**"] }],
  limits: { requests_per_minute: 60 },
};
const PART = {
  rules: [{ service: "github", methods: ["GET"], paths: ["/repos/acme/*"] }],
  limits: { requests_per_minute: 10 },
};

interface Listed {
  readonly id_prefix: string;
  readonly parent?: string;
}

const issue = (json: unknown): Promise<Answer> =>
  fixture.call("POST", "/tokens", { token: fixture.admin, json });
const idOf = (answer: Answer): string => (answer.json as { id: string }).id;
const child = (token: string, json?: unknown): Promise<Answer> =>
  fixture.call("POST", "/tokens/self/children", { token, ...(json === undefined ? {} : { json }) });
const isAccepted = async (token: string): Promise<boolean> =>
  (await fixture.call("GET", "/services", { token })).status === 200;
const listed = async (): Promise<Listed[]> =>
  (await fixture.call("GET", "/tokens", { token: fixture.admin })).json as Listed[];

describe("a token's policy", () => {
  test("is a stored one, by name, or one of its own; both are shown", async () => {
    await fixture.call("POST", "/policies", { token: fixture.admin, json: { name: "p", ...OWN } });
    expect(await issue({ policy: "p" })).toMatchObject({ status: 201, json: { policy: "p" } });
    expect(await issue({ policy: PART })).toMatchObject({ status: 201, json: { policy: PART } });
    expect((await listed()).slice(-2)).toMatchObject([{ policy: "p" }, { policy: PART }]);
  });

  test.each([
    [{ scope: "admin", policy: PART }, "policy: a token of scope admin has none"],
    [{ policy: "none" }, "policy: there is no policy of this name"],
    [{ policy: "__proto__" }, /^policy: must begin with/],
    [{ policy: 5 }, "policy: must be an object"],
    [{ policy: null }, "policy: must be an object"],
    [{ policy: { rules: [{ service: "a", paths: ["x"] }] } }, /^policy\.rules\.0\.paths\.0: /],
    [{ policy: { name: "p", rules: [] } }, "unknown field policy.name"],
  ])("%j is 400 and issues nothing", async (request, error) => {
    const before = fixture.snapshot();
    const answer = await issue(request);
    expect(answer.status).toBe(400);
    expect((answer.json as { error: string }).error).toMatch(error);
    expect(fixture.snapshot()).toBe(before);
  });
});

test("a body that names a field twice is 400, with every route that reads JSON", async () => {
  const send = (path: string, body: string): Promise<Answer> =>
    fixture.call("POST", path, {
      token: path.includes("/self/") ? fixture.proxy : fixture.admin,
      ...{ body, headers: { "Content-Type": "application/json" } },
    });
  for (const [path, body] of [
    ["/tokens", `{"policy":${JSON.stringify(PART)},"policy":{"rules":[{"service":"*"}]}}`],
    ["/tokens/self/children", '{"policy":{"rules":[],"rules":[{"service":"*"}]}}'],
    ["/policies", '{"name":"p","rules":[],"rules":[{"service":"*"}]}'],
    ["/policies/test", '{"policy":{"rules":[]},"policy":"p","service":"a","action":"session"}'],
  ] as const) {
    expect(await send(path, body)).toMatchObject({
      status: 400,
      json: { error: "body: names a field twice" },
    });
  }
  expect((await listed()).length).toBe(2);
});

describe("POST /tokens/self/children", () => {
  test("gives a part of what a token may do, and names the parent in lists", async () => {
    const parent = idOf(await issue({ policy: OWN }));
    const answer = await child(parent, { name: "sub", ttl: "1m", policy: PART });
    expect(answer).toMatchObject({
      status: 201,
      json: { scope: "proxy", name: "sub", policy: PART, expires_at: "2026-03-01T12:01:00.000Z" },
    });
    expect(await isAccepted(idOf(answer))).toBe(true);
    expect((await listed()).at(-1)?.parent).toBe(`${parent.slice(0, 12)}...`);
  });

  test("without a body gives all that the token has, until it expires and no longer", async () => {
    const parent = idOf(await issue({ policy: OWN, ttl: "90s" }));
    const answer = await child(parent);
    expect(answer.json).toMatchObject({ expires_at: "2026-03-01T12:01:30.000Z" });
    expect(answer.json).not.toHaveProperty("policy");
    expect((await child(parent, { expires_at: "2030-01-01T00:00:00Z" })).json).toMatchObject({
      expires_at: "2026-03-01T12:01:30.000Z",
    });
    fixture.wait(90_000);
    expect(await isAccepted(idOf(answer))).toBe(false);
  });

  test.each([
    [
      { rules: [{ service: "*" }], limits: OWN.limits },
      "policy.rules.0: is not covered by the rules of the policy above",
    ],
    [
      { ...PART, limits: { requests_per_minute: 61 } },
      "policy.limits.requests_per_minute: must be at most that of the policy above",
    ],
  ])("with more than the token has, %j, is 403", async (policy, error) => {
    const parent = idOf(await issue({ policy: OWN }));
    expect(await child(parent, { policy })).toMatchObject({
      status: 403,
      json: { error, code: "policy_denied" },
    });
  });

  test("is made as the documentation says, with limits and validity of the token left as they are", async () => {
    const page = await readFile(new URL("../../../../docs/policies.md", import.meta.url), "utf8");
    const [, yaml = ""] = /```yaml\n(name: triage-bot\n.*?)```/s.exec(page) ?? [];
    const [, options = ""] = /^vault-cli token child (.*)$/m.exec(page) ?? [];
    const { service, method, path, ttl } = Object.fromEntries(
      [...options.matchAll(/--(\w+) '?([^' ]+)/g)].map(([, name, value]) => [name ?? "", value ?? ""]),
    );
    const headers = { "Content-Type": "application/yaml" };
    const added = { token: fixture.admin, body: yaml, headers };
    expect((await fixture.call("POST", "/policies", added)).status).toBe(201);
    const parent = idOf(await issue({ policy: "triage-bot" }));
    const policy = { rules: [{ service, methods: [method], paths: [path] }] };
    expect(await child(parent, { ttl, policy })).toMatchObject({ status: 201, json: { policy } });
  });

  test("holds a grandchild against every policy above it, also through a token without one of its own", async () => {
    const parent = idOf(await issue({ policy: PART }));
    const middle = idOf(await child(parent));
    expect((await child(middle, { policy: OWN })).status).toBe(403);
    expect((await child(middle, { policy: PART })).status).toBe(201);
  });

  test("follows a stored policy as it is now, and allows nothing once that is gone", async () => {
    const put = (method: string, path: string, json?: unknown): Promise<Answer> =>
      fixture.call(method, path, { token: fixture.admin, ...(json === undefined ? {} : { json }) });
    await put("POST", "/policies", { name: "p", ...OWN });
    const parent = idOf(await issue({ policy: "p" }));
    expect((await child(parent, { policy: OWN })).status).toBe(201);
    await put("PUT", "/policies/p", PART);
    expect((await child(parent, { policy: OWN })).status).toBe(403);
    await put("DELETE", "/policies/p?force=true");
    expect((await child(parent, { policy: PART })).status).toBe(403);
  });

  test("of a token without a policy may have any", async () => {
    expect((await child(fixture.proxy, { policy: OWN })).status).toBe(201);
  });

  test("takes neither an admin's token, nor a scope, nor a policy's name", async () => {
    expect(await child(fixture.admin)).toMatchObject({ status: 403, json: { code: "forbidden" } });
    expect((await child(fixture.proxy, { scope: "admin" })).status).toBe(400);
    expect((await child(fixture.proxy, { policy: "p" })).status).toBe(400);
  });

  test("lets nobody ask more than 60 times a minute, with all that descend from one token", async () => {
    const parent = idOf(await issue({ policy: OWN }));
    const first = idOf(await child(parent));
    for (let asked = 1; asked < 60; asked += 1) {
      expect((await child(asked % 2 === 0 ? parent : first, { scope: "admin" })).status).toBe(400);
    }
    fixture.wait(59_000);
    for (const token of [parent, first]) {
      const answer = await child(token);
      expect(answer).toMatchObject({ status: 429, json: { code: "rate_limited" } });
      expect(answer.headers.get("retry-after")).toBe("1");
    }
    expect((await child(fixture.proxy)).status).toBe(201);
    fixture.wait(1000);
    expect((await child(first)).status).toBe(201);
  });

  test.each([
    [{ ttl: "1ms" }, "ttl: must be at least 1s away"],
    [{ expires_at: "2026-03-01T12:00:00.500Z" }, "expires_at: must be at least 1s away"],
    [
      {
        policy: {
          rules: [
            { service: Array.from({ length: 100 }, (_, index) => "s".repeat(124) + String(index)) },
            { service: Array.from({ length: 40 }, (_, index) => "s".repeat(124) + String(index)) },
          ],
        },
      },
      "policy: must have at most 16 KiB as JSON",
    ],
  ])("refuses what would fill the vault", async (request, error) => {
    const before = fixture.snapshot();
    expect(await child(fixture.proxy, request)).toMatchObject({ status: 400, json: { error } });
    expect(fixture.snapshot()).toBe(before);
  });

  test("makes what is revoked with its parent", async () => {
    const parent = idOf(await issue({}));
    const first = idOf(await child(parent));
    const second = idOf(await child(first));
    await fixture.call("DELETE", `/tokens/${parent}`, { token: fixture.admin });
    expect(await isAccepted(first)).toBe(false);
    expect(await isAccepted(second)).toBe(false);
    expect(await isAccepted(fixture.proxy)).toBe(true);
    expect(await listed()).toHaveLength(2);
  });
});
