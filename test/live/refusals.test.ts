import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startLiveVault, type LiveVault } from "./live-vault.js";
import type { RunningServer } from "./processes.js";
import { headerValues, type Upstream } from "./tls-upstream.js";
import { call, makeToken, type CallOptions } from "./vault-calls.js";

let live: LiveVault;
let upstream: Upstream;
let server: RunningServer;
let admin: string;
let token: string;

beforeAll(async () => {
  live = await startLiveVault();
  ({ upstream, server, admin, token } = live);
  await live.addService("api", { type: "bearer", token: "refusal-secret-0123456789" });
});

afterAll(() => live.close());

const vaultFile = (): string => readFileSync(join(server.dataDir, "vault.enc"), "latin1");

/** Makes the call and expects the refusal, a sentence that fits, and that nothing reached the disk or the upstream. */
async function expectRefusal(
  [method, target, options]: [string, string, CallOptions],
  { status, code, says = /./ }: { status: number; code: string; says?: RegExp },
): Promise<void> {
  const before = vaultFile();
  upstream.requests.length = 0;
  const answer = await call(server.address, method, target, options);
  expect(answer, `${method} ${target}`).toMatchObject({ status, json: { code } });
  expect((answer.json as { error: string }).error).toMatch(says);
  expect(headerValues(answer.rawHeaders, "x-vault-request-id")).toHaveLength(1);
  expect(headerValues(answer.rawHeaders, "x-vault-error")).toEqual([code]);
  expect(headerValues(answer.rawHeaders, "cache-control")).toEqual(["no-store"]);
  expect(upstream.requests).toEqual([]);
  expect(vaultFile()).toBe(before);
}

const wrongToken = `tok_${"A".repeat(43)}`;

const ADMIN_ONLY: [string, string][] = [
  ["POST", "/services"],
  ["PUT", "/services/api"],
  ["DELETE", "/services/api"],
  ["GET", "/tokens"],
  ["POST", "/tokens"],
  ["DELETE", "/tokens/tok_abc"],
  ["GET", "/files"],
  ["POST", "/files"],
  ["GET", "/files/x"],
  ["DELETE", "/files/x"],
  ["POST", "/auth/lock"],
  ["POST", "/auth/password"],
  ["POST", "/auth/recovery-key"],
];

describe("without the right token", () => {
  test.each<[string, string]>([
    ...ADMIN_ONLY,
    ["GET", "/services"],
    ["GET", "/services/api"],
    ["GET", "/health/tokens"],
    ["GET", "/proxy/api/x"],
    ["GET", "/proxy/unknown/x"],
    ["POST", "/proxy/api/../../x"],
  ])("%s %s is 401, whatever else is wrong with it", async (method, target) => {
    const body = method === "POST" || method === "PUT" ? "{not json" : undefined;
    for (const credentials of [{}, { token: wrongToken }, { token: "sk-not-a-token" }]) {
      const options = { ...credentials, ...(body === undefined ? {} : { body }) };
      await expectRefusal([method, target, options], { status: 401, code: "unauthorized" });
    }
  });

  test.each(ADMIN_ONLY)(
    "%s %s is 403 for a proxy token, before its body is looked at",
    async (method, target) => {
      const body = method === "POST" || method === "PUT" ? "{not json" : undefined;
      const options = { token, ...(body === undefined ? {} : { body }) };
      await expectRefusal([method, target, options], { status: 403, code: "forbidden" });
    },
  );
});

describe("with bad input", () => {
  const service = (auth: object, settings: object = {}): string =>
    JSON.stringify({ name: "new", base_url: "https://api.example.com", auth, ...settings });
  const bearer = { type: "bearer", token: "x" };

  test.each<[string, string, string, RegExp]>([
    ["POST", "/services", "{not json", /body|JSON/i],
    ["POST", "/services", "[]", /body|object/i],
    ["POST", "/services", "null", /body|object/i],
    ["POST", "/services", '{"name":"new"}', /base_url|auth/],
    ["POST", "/services", service({ type: "bearer" }), /auth\.token/],
    ["POST", "/services", service({ type: "bearer", token: "x", extra: 1 }), /auth\.extra/],
    ["POST", "/services", service({ type: "carrier-pigeon" }), /auth\.type.*bearer/],
    ["POST", "/services", service(bearer, { surprise: true }), /surprise/],
    ["POST", "/services", service(bearer, { name: "../x" }), /name/],
    ["POST", "/services", service(bearer, { base_url: "http://api.example.com" }), /base_url/],
    ["POST", "/services", service(bearer, { base_url: "https://10.0.0.1" }), /base_url/],
    ["POST", "/services", service(bearer, { base_url: "https://u:p@api.example.com" }), /base_url/],
    ["POST", "/services", service(bearer, { tls_ca: "nonsense" }), /tls_ca/],
    ["POST", "/services", service(bearer, { connect_timeout: "soon" }), /connect_timeout/],
    [
      "POST",
      "/services",
      service({ type: "header", header_name: "Host", header_value: "x" }),
      /auth\.header_name/,
    ],
    ["PUT", "/services/a%2Fb", service(bearer), /name/],
    ["POST", "/tokens", '{"scope":"root"}', /scope/],
    ["POST", "/tokens", '{"scope":"proxy","ttl":"1 day"}', /ttl/],
    ["POST", "/tokens", '{"scope":"proxy","ttl":"0s"}', /ttl/],
    ["POST", "/tokens", '{"scope":"proxy","expires_at":"yesterday"}', /expires_at/],
    ["POST", "/tokens", '{"scope":"proxy","expires_at":"2001-01-01T00:00:00Z"}', /expires_at/],
    ["POST", "/tokens", '{"scope":"proxy","policy":"p"}', /policy/],
    ["POST", "/tokens", '{"scope":"proxy","name":7}', /name/],
    ["POST", "/auth/lock", '{"revoke_tokens":"yes"}', /revoke_tokens/],
    ["POST", "/auth/password", '{"current":"x"}', /new/],
    ["POST", "/auth/unlock", '{"password":7}', /password/],
    ["POST", "/auth/unlock", "{}", /password/],
  ])("%s %s %s names the field", async (method, target, body, says) => {
    await expectRefusal([method, target, { token: admin, body }], {
      status: 400,
      code: "invalid_request",
      says,
    });
  });

  test("an error never repeats what was sent", async () => {
    const secret = "never-repeat-me-0123456789";
    for (const body of [
      service({ type: "bearer", token: `${secret}\n` }),
      service({ type: secret }),
      service({ type: "header", header_name: "X", header_value: `${secret}\u0000` }),
      service(bearer, { tls_ca: secret }),
      `{"auth":{"token":"${secret}"`,
      `"${secret}"`,
    ]) {
      const answer = await call(server.address, "POST", "/services", { token: admin, body });
      expect(answer.status, body).toBe(400);
      expect(answer.text + JSON.stringify(answer.rawHeaders)).not.toContain(secret);
    }
    expect(server.log()).not.toContain(secret);
  });

  test("a body of another type is 415, a large one 413", async () => {
    await expectRefusal(
      ["POST", "/tokens", { token: admin, body: "{}", headers: { "Content-Type": "text/plain" } }],
      { status: 415, code: "unsupported_media_type" },
    );
    const body = JSON.stringify({ scope: "proxy", name: "x".repeat(1024 * 1024) });
    await expectRefusal(["POST", "/tokens", { token: admin, body }], { status: 413, code: "body_too_large" });
    await expectRefusal(
      ["POST", "/tokens", { token: admin, body, headers: ["Transfer-Encoding", "chunked"] }],
      { status: 413, code: "body_too_large" },
    );
  });
});

describe("with nothing there", () => {
  test.each([
    ["GET", "/proxy/unknown/x"],
    ["GET", "/proxy/"],
    ["GET", "/proxy"],
    ["GET", "/proxy/%61pi/x"],
    ["GET", "/services/unknown"],
    ["DELETE", "/services/unknown"],
    ["GET", "/services/constructor"],
    ["GET", "/proxy/constructor/x"],
    ["GET", "/files/unknown"],
    ["DELETE", "/files/unknown"],
    ["DELETE", "/tokens/tok_unknown"],
    ["GET", "/nothing"],
  ])("%s %s is 404", async (method, target) => {
    await expectRefusal([method, target, { token: admin }], { status: 404, code: "not_found" });
  });

  test("a known path with another method is 405 and says which it knows", async () => {
    const answer = await call(server.address, "PATCH", "/services", { token: admin });
    expect(answer).toMatchObject({ status: 405, json: { code: "method_not_allowed" } });
    expect(headerValues(answer.rawHeaders, "allow").join()).toMatch(/GET.*POST/);
  });
});

test("an ambiguous token prefix is 409", async () => {
  await expectRefusal(["DELETE", "/tokens/tok_...", { token: admin }], { status: 409, code: "conflict" });
  const tokens = await Promise.all(Array.from({ length: 65 }, () => makeToken(server, admin)));
  const initials = tokens.map((id) => id.slice(0, 5));
  const twice = initials.find((initial, index) => initials.indexOf(initial) !== index) ?? "";
  await expectRefusal(["DELETE", `/tokens/${twice}`, { token: admin }], { status: 409, code: "conflict" });
});
