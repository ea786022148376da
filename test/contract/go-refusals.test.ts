import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startContractWorld, type ContractWorld } from "./contract-world.js";
import { callAsGo, sendAsGo, type GoCall } from "./go-call.js";
import { ERROR, HEALTH, SERVICE, STATUS, TOKEN, TOKEN_INFO } from "./go-structs.js";
import type { World } from "./route-row.js";

const UNKNOWN_TOKEN = `tok_${"A".repeat(43)}`;
const MEGABYTE = 1024 * 1024;

let contract: ContractWorld;
let world: World;
beforeAll(async () => {
  contract = await startContractWorld();
  world = contract.pass("go");
});
afterAll(() => contract.close());

const admin = (): string => world.tokens.admin;
const proxy = (): string => world.tokens.proxy;

/** An error as a Go client reads it, and as the contract says more of it. */
async function refused(goCall: GoCall, status: number, code: string): Promise<void> {
  const { error } = (await callAsGo(world.address, goCall, { status, type: ERROR })) as { error: string };
  expect(error).toMatch(/\w{3,}/);
  const answer = await sendAsGo(world.address, goCall);
  expect(answer.json).toMatchObject({ error, code });
  expect(answer.headers).toMatchObject({
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "content-security-policy": "default-src 'none'",
    "referrer-policy": "no-referrer",
  });
  const ownErrors = /^\/(?:proxy|ssh|imap|smtp|redis|postgres)\//;
  if (ownErrors.test(goCall.target)) expect(answer.headers["x-vault-error"]).toBe(code);
}

/** What an admin's token is needed for. */
const ADMIN_CALLS: readonly GoCall[] = [
  { method: "POST", target: "/auth/lock" },
  { method: "POST", target: "/services", json: {} },
  { method: "PUT", target: "/services/the-redis", json: {} },
  { method: "DELETE", target: "/services/the-redis" },
  { method: "POST", target: "/files", form: { name: "x" } },
  { method: "GET", target: "/files" },
  { method: "GET", target: "/files/x" },
  { method: "DELETE", target: "/files/x" },
  { method: "POST", target: "/tokens", json: {} },
  { method: "GET", target: "/tokens" },
  { method: "DELETE", target: "/tokens/tok_x" },
  { method: "POST", target: "/auth/oauth2/authorize", json: {} },
];
/** What any token is enough for. */
const OTHER_CALLS: readonly GoCall[] = [
  { method: "GET", target: "/services" },
  { method: "GET", target: "/services/the-redis" },
  { method: "GET", target: "/health/tokens" },
  { method: "GET", target: "/proxy/the-api/v1" },
  { method: "POST", target: "/proxy/the-api/v1", json: {} },
  { method: "POST", target: "/imap/the-imap/session" },
  { method: "POST", target: "/smtp/the-smtp/session" },
  { method: "POST", target: "/redis/the-redis/session" },
  { method: "POST", target: "/postgres/the-postgres/session" },
  { method: "POST", target: "/ssh/the-ssh/exec", json: {} },
  { method: "POST", target: "/ssh/the-ssh/upload", form: { remote_path: "x" } },
  { method: "POST", target: "/ssh/the-ssh/download", json: {} },
];
const named = (calls: readonly GoCall[]): [string, GoCall][] =>
  calls.map((each) => [`${each.method} ${each.target}`, each]);

describe("a Go client of a new server", () => {
  test("reads that there is no vault yet", async () => {
    const goCall = { method: "GET", target: "/health" };
    const health = await callAsGo(world.address, goCall, { status: 200, type: HEALTH });
    expect(health).toMatchObject({ status: "locked", initialized: false });
  });

  test("is refused a first password that is too short, and no vault is made", async () => {
    const json = { password: "7 chars" };
    await refused({ method: "POST", target: "/auth/unlock", json }, 400, "invalid_request");
    const goCall = { method: "GET", target: "/health" };
    expect(await callAsGo(world.address, goCall, { status: 200, type: HEALTH })).toMatchObject({
      initialized: false,
    });
  });

  test.each(named([...ADMIN_CALLS, ...OTHER_CALLS]))(
    "is told for %s that the vault is locked, whatever its token",
    async (_name, goCall) => {
      for (const token of ["", UNKNOWN_TOKEN]) await refused({ ...goCall, token }, 423, "vault_locked");
    },
  );
});

describe("a Go client of an unlocked vault", () => {
  beforeAll(async () => {
    await contract.fill();
    const json = {
      name: "the-api",
      base_url: world.upstream,
      tls_skip_verify: true,
      auth: { type: "bearer", token: "a-secret-for-the-go-client" },
    };
    const goCall = { method: "POST", target: "/services", json, token: admin() };
    await callAsGo(world.address, goCall, { status: 201, type: SERVICE });
  });

  test.each(named([...ADMIN_CALLS, ...OTHER_CALLS]))(
    "needs a token for %s, before anything else",
    async (_name, goCall) => {
      for (const token of ["", UNKNOWN_TOKEN]) await refused({ ...goCall, token }, 401, "unauthorized");
    },
  );

  test.each(named(ADMIN_CALLS))(
    "may not make %s with a token of scope proxy, whatever its body",
    async (_name, goCall) => {
      await refused({ ...goCall, token: proxy() }, 403, "forbidden");
      const health = { method: "GET", target: "/health" };
      expect(await callAsGo(world.address, health, { status: 200, type: HEALTH })).toMatchObject({
        status: "unlocked",
      });
    },
  );

  test.each<[string, number, string, GoCall]>([
    ["a body that is no JSON", 400, "invalid_request", { method: "POST", target: "/services", json: "text" }],
    [
      "an unknown field",
      400,
      "invalid_request",
      { method: "POST", target: "/tokens", json: { scope: "proxy", of_go: 1 } },
    ],
    [
      "a duration that Go would not take",
      400,
      "invalid_request",
      { method: "POST", target: "/tokens", json: { scope: "proxy", ttl: "soon" } },
    ],
    [
      "an API of this network that is not allowed to be one",
      400,
      "invalid_request",
      {
        method: "POST",
        target: "/services",
        json: { name: "x", base_url: "https://localhost", auth: { type: "bearer", token: "of no use" } },
      },
    ],
    [
      "a file name that leads elsewhere",
      400,
      "invalid_request",
      { method: "POST", target: "/files", form: { name: "../x", file: new Blob(["x"]) } },
    ],
    [
      "a path that leads elsewhere",
      400,
      "invalid_request",
      { method: "GET", target: "/proxy/the-api/a/..%2f..%2fb" },
    ],
    [
      "a time of a session that is no number",
      400,
      "invalid_request",
      { method: "POST", target: "/redis/the-redis/session?timeout=1h" },
    ],
    ["an unknown service", 404, "not_found", { method: "GET", target: "/services/nothing" }],
    ["an unknown service to delete", 404, "not_found", { method: "DELETE", target: "/services/nothing" }],
    ["an unknown service to call", 404, "not_found", { method: "GET", target: "/proxy/nothing/x" }],
    [
      "an unknown service to open a session of",
      404,
      "not_found",
      { method: "POST", target: "/imap/nothing/session" },
    ],
    [
      "an unknown service to run a command on",
      404,
      "not_found",
      { method: "POST", target: "/ssh/nothing/exec", json: { command: "true" } },
    ],
    ["an unknown file", 404, "not_found", { method: "GET", target: "/files/nothing" }],
    ["an unknown file to delete", 404, "not_found", { method: "DELETE", target: "/files/nothing" }],
    ["an unknown token", 404, "not_found", { method: "DELETE", target: `/tokens/${UNKNOWN_TOKEN}` }],
    ["a prefix that fits several tokens", 409, "conflict", { method: "DELETE", target: "/tokens/tok_..." }],
    ["an unknown route", 404, "not_found", { method: "GET", target: "/nothing" }],
    ["another method", 405, "method_not_allowed", { method: "PATCH", target: "/services" }],
    [
      "a file of more than 5 MB",
      413,
      "body_too_large",
      {
        method: "POST",
        target: "/files",
        form: { name: "large", file: new Blob([Buffer.alloc(5 * MEGABYTE + 1)]) },
      },
    ],
    [
      "a JSON body of more than 1 MB",
      413,
      "body_too_large",
      { method: "POST", target: "/services", json: { name: "x".repeat(MEGABYTE) } },
    ],
    [
      "a body of more than 10 MB for an API",
      413,
      "body_too_large",
      { method: "POST", target: "/proxy/the-api/v1", json: "x".repeat(10 * MEGABYTE) },
    ],
    [
      "JSON of another type",
      415,
      "unsupported_media_type",
      {
        method: "POST",
        target: "/tokens",
        json: { scope: "proxy" },
        headers: { "Content-Type": "text/plain" },
      },
    ],
  ])("reads the error of %s: %i %s", async (_name, status, code, goCall) => {
    await refused({ ...goCall, token: admin() }, status, code);
  });

  test("takes a file of just 5 MB", async () => {
    const form = { name: "large", file: new Blob([Buffer.alloc(5 * MEGABYTE)]) };
    const added = await sendAsGo(world.address, { method: "POST", target: "/files", form, token: admin() });
    expect(added).toMatchObject({ status: 201, json: { name: "large", size: 5 * MEGABYTE } });
    const goCall = { method: "DELETE", target: "/files/large", token: admin() };
    expect(await callAsGo(world.address, goCall, { status: 200, type: STATUS })).toEqual({
      status: "deleted",
    });
  });

  test("tells the API's errors from the vault's own", async () => {
    for (const status of [401, 403, 404, 423, 429, 500, 502]) {
      const target = `/proxy/the-api/status/${String(status)}`;
      const answer = await sendAsGo(world.address, { method: "GET", target, token: proxy() });
      expect(answer).toMatchObject({ status, json: { echoed: `GET /status/${String(status)}` } });
      expect(answer.headers).not.toHaveProperty("x-vault-error");
      expect(answer.headers["x-vault-request-id"]).toMatch(/./);
    }
  });

  test.each<[string, string, object, number, string]>([
    ["does not listen", "https://127.0.0.1:1", { allow_private: true }, 502, "upstream_failed"],
    [
      "does not answer in time",
      "hanging",
      { tls_skip_verify: true, response_timeout: "1s" },
      504,
      "upstream_timeout",
    ],
  ])("is told that the API %s", async (name, baseUrl, settings, status, code) => {
    const base_url = baseUrl === "hanging" ? `${world.upstream}/hanging` : baseUrl;
    const json = { name: "elsewhere", base_url, ...settings, auth: { type: "bearer", token: `of ${name}` } };
    const goCall = { method: "POST", target: "/services", json, token: admin() };
    await callAsGo(world.address, goCall, { status: 201, type: SERVICE });
    await refused({ method: "GET", target: "/proxy/elsewhere/x", token: proxy() }, status, code);
  });

  test("revokes a token by the whole of it, by its prefix, and with the dots of the list", async () => {
    const revoke = async (nameOf: (id: string, prefix: string) => string): Promise<void> => {
      const json = { scope: "proxy", ttl: "90s" };
      const make = { method: "POST", target: "/tokens", json, token: admin() };
      const made = await callAsGo(world.address, make, { status: 201, type: TOKEN });
      const { id } = made as { id: string };
      const list = { method: "GET", target: "/tokens", token: admin() };
      const listed = await callAsGo(world.address, list, { status: 200, type: { listOf: TOKEN_INFO } });
      const { id_prefix } = (listed as { id_prefix: string }[]).find(({ id_prefix: prefix }) =>
        id.startsWith(prefix.replace(/\.\.\.$/, "")),
      ) ?? { id_prefix: "" };
      expect(id_prefix).toMatch(/^tok_.+\.\.\.$/);
      expect((await sendAsGo(world.address, { method: "GET", target: "/services", token: id })).status).toBe(
        200,
      );
      const target = `/tokens/${nameOf(id, id_prefix)}`;
      const goCall = { method: "DELETE", target, token: admin() };
      expect(await callAsGo(world.address, goCall, { status: 200, type: STATUS })).toEqual({
        status: "revoked",
      });
      await refused({ method: "GET", target: "/services", token: id }, 401, "unauthorized");
    };
    await revoke((id) => id);
    await revoke((_id, prefix) => prefix);
    await revoke((_id, prefix) => prefix.replace(/\.\.\.$/, ""));
  });

  test("is refused wrong passwords, and after some of them every password for a while", async () => {
    const unlock = (password: string): GoCall => ({
      method: "POST",
      target: "/auth/unlock",
      json: { password },
    });
    const answers = [];
    for (let attempt = 0; attempt < 6; attempt += 1) {
      answers.push(await sendAsGo(world.address, unlock("not the password")));
      // This machine's own users are only slowed, to one attempt a second.
      if (answers.at(-1)?.status === 429) break;
    }
    expect(answers[0]).toMatchObject({ status: 401, json: { code: "unauthorized" } });
    const barred = answers.at(-1);
    expect(barred).toMatchObject({ status: 429 });
    expect(["locked_out", "rate_limited"]).toContain((barred?.json as { code: string }).code);
    expect(Number(barred?.headers["retry-after"])).toBeGreaterThanOrEqual(1);
    expect((await sendAsGo(world.address, unlock(world.password))).status).toBe(429);
    const slept = Number(barred?.headers["retry-after"]) * 1000;
    if (slept > 5000) return;
    await new Promise((resolve) => setTimeout(resolve, slept + 100));
    expect((await sendAsGo(world.address, unlock(world.password))).status).toBe(200);
  });
});
