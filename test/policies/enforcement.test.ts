import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startLiveVault, type LiveVault } from "../live/live-vault.js";
import { call, open, type Answered } from "../live/vault-calls.js";

let vault: LiveVault;

beforeAll(async () => {
  vault = await startLiveVault({
    onRequest(request, response) {
      if (request.url === "/v1/stream") response.writeHead(200).write("begun\n");
      else
        response.end(JSON.stringify({ url: request.url, method: request.headers["x-http-method-override"] }));
    },
  });
  await vault.addService("api", { type: "bearer", token: "sk-upstream-0123456789" });
});

afterAll(() => vault.close());

const asAdmin = (method: string, path: string, body?: object): Promise<Answered> =>
  call(vault.server.address, method, path, {
    token: vault.admin,
    ...(body === undefined
      ? {}
      : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
  });

async function tokenWith(policy: object | string, more: object = {}): Promise<string> {
  const answer = await asAdmin("POST", "/tokens", { scope: "proxy", policy, ...more });
  expect(answer.status, answer.text).toBe(201);
  return (answer.json as { id: string }).id;
}

const get = (token: string, path = "/v1/x", headers: Record<string, string> = {}): Promise<Answered> =>
  call(vault.server.address, "GET", `/proxy/api${path}`, { token, headers });

describe("1,000 calls at once", () => {
  test.each([
    ["requests_per_minute: 60", { rules: [{ service: "api" }], limits: { requests_per_minute: 60 } }, 60],
    ["max_uses: 10", { rules: [{ service: "api" }], limits: { max_uses: 10 } }, 10],
    ["cooldown: 300s", { rules: [{ service: "api", cooldown: "300s" }] }, 1],
  ])("with %s: exactly so many pass", async (_, policy, allowed) => {
    const token = await tokenWith(policy);
    const statuses: number[] = [];
    for (let batch = 0; batch < 10; batch += 1) {
      const answers = await Promise.all(Array.from({ length: 100 }, () => get(token)));
      statuses.push(...answers.map(({ status }) => status));
      const refused = answers.find(({ status }) => status === 429);
      expect(refused?.headers["ratelimit-policy"] ?? "none needed").toMatch(/./);
    }
    expect(statuses.filter((status) => status === 200)).toHaveLength(allowed);
    expect(statuses.filter((status) => status === 429)).toHaveLength(1000 - allowed);
  });
});

describe("a token with a policy", () => {
  test("reaches what its rules allow, byte for byte, and nothing else", async () => {
    const token = await tokenWith({ rules: [{ service: "api", methods: ["GET"], paths: ["/v1/repos/*"] }] });
    expect((await get(token, "/v1/repos/a%2Db?q=1")).json).toMatchObject({ url: "/v1/repos/a%2Db?q=1" });
    for (const path of ["/v1/x", "/v1/repos/a/b", "/v1/repos/../x", "/v1/repos/%2e%2e/x", "/v1//repos/a"]) {
      const answer = await get(token, path);
      expect([answer.status, answer.headers["x-vault-error"]], path).toEqual([403, "policy_denied"]);
    }
  });

  test("copies and moves nothing to or from a path that was not judged", async () => {
    const withPaths = { service: "api", paths: ["/v1/public/**"] };
    const move = (token: string, name: string): Promise<Answered> =>
      get(token, "/v1/public/a", { [name]: "/v1/secret/b" });
    const token = await tokenWith({ rules: [withPaths] });
    for (const name of ["Destination", "x-amz-copy-source"]) {
      const answer = await move(token, name);
      expect([answer.status, answer.headers["x-vault-error"]], name).toEqual([403, "policy_denied"]);
    }
    const free = await tokenWith({ rules: [withPaths, { service: "api", methods: ["GET"] }] });
    expect((await move(free, "Destination")).status).toBe(200);
    const child = await call(vault.server.address, "POST", "/tokens/self/children", {
      token: free,
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ policy: { rules: [withPaths] } }),
    });
    expect((await move((child.json as { id: string }).id, "Destination")).status).toBe(403);
    expect((await move(vault.token, "Destination")).status).toBe(200);
  });

  test("is told that it may not before anything is told of the service", async () => {
    const auth = {
      ...{ type: "ssh_key", ssh_host: "127.0.0.1", ssh_user: "u", ssh_password: "p-0123456789" },
      ssh_allowed_commands: ["uptime"],
    };
    const added = await asAdmin("POST", "/services", { name: "box", allow_private: true, auth });
    expect(added.status, added.text).toBe(201);
    const form = new FormData();
    form.set("remote_path", "/etc/shadow");
    form.set("file", new Blob(["x"]), "x");
    const upload = new Response(form);
    const multipart = {
      headers: { "Content-Type": upload.headers.get("content-type") ?? "" },
      body: Buffer.from(await upload.arrayBuffer()),
    };
    const json = (body: object) => ({
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const without = await tokenWith({ rules: [{ service: "other" }] });
    const free = await tokenWith({ rules: [{ service: ["api", "box"] }] });
    for (const [path, body, code] of [
      ["/redis/api/session", json({}), "invalid_request"],
      ["/ssh/api/exec", json({ command: "uptime" }), "invalid_request"],
      ["/ssh/api/download", json({ remote_path: "/srv/x" }), "invalid_request"],
      ["/ssh/api/upload", multipart, "invalid_request"],
      ["/ssh/box/exec", json({ command: "id" }), "forbidden"],
      ["/ssh/box/download", json({ remote_path: "/etc/shadow" }), "forbidden"],
      ["/ssh/box/upload", multipart, "forbidden"],
      ["/redis/box/session", json({}), "invalid_request"],
    ] as const) {
      const codes = [without, free].map(async (token) => {
        const answer = await call(vault.server.address, "POST", path, { token, ...body });
        return answer.headers["x-vault-error"];
      });
      expect(await Promise.all(codes), path).toEqual(["policy_denied", code]);
    }
  });

  test("cannot have its upstream take another method", async () => {
    const token = await tokenWith({ rules: [{ service: "api", methods: ["GET"] }] });
    const answer = await get(token, "/v1/x", { "X-HTTP-Method-Override": "DELETE" });
    expect(answer.json).toEqual({ url: "/v1/x" });
    expect((await get(vault.token, "/v1/x", { "X-HTTP-Method-Override": "DELETE" })).json).toMatchObject({
      method: "DELETE",
    });
  });
});

describe("what runs is ended within a second", () => {
  const begun = async (token: string): Promise<{ ended: Promise<string> }> => {
    const response = await open(vault.server.address, "GET", "/proxy/api/v1/stream", { token });
    const ended = new Promise<string>((resolve) => {
      response.on("data", () => undefined);
      response.on("end", () => resolve("end"));
      response.on("error", () => resolve("broken off"));
    });
    return { ended };
  };

  test.each([
    [
      "the policy changes",
      (name: string) => asAdmin("PUT", `/policies/${name}`, { rules: [{ service: "other" }] }),
    ],
    ["the policy is removed", (name: string) => asAdmin("DELETE", `/policies/${name}?force=true`)],
  ])("when %s", async (_, change) => {
    const name = "changing";
    await asAdmin("POST", "/policies", { name, rules: [{ service: "api" }] });
    const { ended } = await begun(await tokenWith(name));
    const at = performance.now();
    expect((await change(name)).status).toBe(200);
    expect(await ended).toBe("broken off");
    expect(performance.now() - at).toBeLessThan(1000);
  });

  test("when the token expires", async () => {
    const { ended } = await begun(await tokenWith({ rules: [{ service: "api" }] }, { ttl: "1s" }));
    const at = performance.now();
    expect(await ended).toBe("broken off");
    expect(performance.now() - at).toBeLessThan(2000);
  });

  test("when the time of its policy is over", async () => {
    const until = new Date(Date.now() + 1000).toISOString();
    const { ended } = await begun(await tokenWith({ rules: [{ service: "api" }], valid: { until } }));
    const at = performance.now();
    expect(await ended).toBe("broken off");
    expect(performance.now() - at).toBeLessThan(2000);
  });
});

test("every decision stands in the audit log, with what it was made by, and no token", async () => {
  const token = await tokenWith({ rules: [{ service: "api", paths: ["/v1/audited"] }] }, { name: "audited" });
  await get(token, "/v1/audited?key=hidden", { "X-Vault-Justification": "a test" });
  await get(token, "/v1/other");
  const answer = await asAdmin("GET", "/audit?service=api&limit=2");
  expect(answer.json).toMatchObject({
    entries: [
      { action: "proxy", decision: "deny", path: "/v1/other", code: "policy_denied", token_name: "audited" },
      {
        ...{ action: "proxy", decision: "allow", path: "/v1/audited?key=***", status: 200 },
        ...{ rule: "rules/1", justification: "a test" },
      },
    ],
  });
  const log = await readFile(join(vault.server.dataDir, "audit.jsonl"), "utf8");
  expect(log).not.toContain(token);
  expect(log).not.toContain("hidden");
});
