import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startContractWorld, type ContractWorld } from "./contract-world.js";
import { unmarshal, type GoType, type GoValue } from "./go-json.js";
import { sendRaw } from "./raw-request.js";
import type { RawRequest, World } from "./route-row.js";

/** The structs of a Go client, as the contract names their fields. */
const TOKEN: GoType = {
  fields: { id: "string", scope: "string", created_at: "time", expires_at: "time" },
};
const TOKEN_INFO: GoType = {
  fields: { id_prefix: "string", scope: "string", created_at: "time", expires_at: "time" },
};
const SERVICE: GoType = {
  fields: {
    ...{
      name: "string",
      base_url: "string",
      auth_type: "string",
      tls_skip_verify: "bool",
      session_cookies: "bool",
    },
    ...{ expires_at: "int", token_status: "string", scopes: { listOf: "string" }, header_name: "string" },
    ...{
      username: "string",
      ssh_host: "string",
      ssh_port: "int",
      ssh_user: "string",
      ssh_key_file_ref: "string",
    },
    ...{
      ssh_connected: "bool",
      imap_host: "string",
      imap_port: "int",
      imap_user: "string",
      imap_tls: "string",
    },
    ...{ smtp_host: "string", smtp_port: "int", smtp_user: "string", smtp_tls: "string" },
    ...{
      redis_host: "string",
      redis_port: "int",
      redis_username: "string",
      redis_db: "int",
      redis_tls: "bool",
    },
    ...{ postgres_host: "string", postgres_port: "int", postgres_user: "string", postgres_db: "string" },
    postgres_tls: "string",
  },
};
const STATUS: GoType = { fields: { status: "string" } };
const HEALTH: GoType = { fields: { status: "string", initialized: "bool", version: "string" } };
const FILE: GoType = { fields: { name: "string", mime_type: "string", size: "int" } };
const SESSION: GoType = { fields: { addr: "string", expires_at: "time" } };
const EXEC: GoType = { fields: { stdout: "string", stderr: "string", exit_code: "int", duration_ms: "int" } };
const UPLOAD: GoType = { fields: { ok: "bool", bytes: "int", remote_path: "string" } };
const ERROR: GoType = { fields: { error: "string" } };

let contract: ContractWorld;
let world: World;
beforeAll(async () => {
  contract = await startContractWorld();
  await contract.fill();
  world = contract.pass("go");
});
afterAll(() => contract.close());

/** A call as Go's net/http makes it, with the answer read into a struct. */
async function call(
  method: string,
  request: RawRequest,
  status: number,
  type: GoType,
  token = world.tokens.admin,
): Promise<GoValue> {
  const headers = { "User-Agent": "Go-http-client/1.1", "Accept-Encoding": "gzip", ...request.headers };
  const answer = await sendRaw(
    world.address,
    method,
    { ...request, headers },
    token === "" ? undefined : token,
  );
  expect(answer, answer.text).toMatchObject({ status });
  expect(answer.headers["content-type"]).toBe("application/json");
  return unmarshal(answer.text, type);
}

describe("the decoder", () => {
  test("is Go's: any letter case, zero values, unknown fields ignored, wrong types refused", () => {
    expect(unmarshal('{"Status":"x","more":[1]}', HEALTH)).toEqual({
      status: "x",
      initialized: false,
      version: "",
    });
    expect(unmarshal('{"status":null}', STATUS)).toEqual({ status: "" });
    expect(() => unmarshal('{"status":1}', STATUS)).toThrow("of type string");
    expect(() => unmarshal('{"expires_at":"2026-01-01 10:00:00"}', TOKEN)).toThrow("of type time");
    expect(() => unmarshal('{"size":1.5}', FILE)).toThrow("of type int");
    expect(unmarshal('"1h30m"', "duration")).toBe("1h30m");
    expect(() => unmarshal('"1d"', "duration")).toThrow("of type duration");
  });
});

describe("a Go client", () => {
  test("asks for health without a token", async () => {
    const health = await call("GET", { target: "/health" }, 200, HEALTH, "");
    expect(health).toMatchObject({ status: "unlocked", initialized: true });
  });

  test("unlocks, and uses the token that it gets", async () => {
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const json = { password: world.password };
    const token = await call("POST", { target: "/auth/unlock", json }, 200, TOKEN, "");
    expect(token).toMatchObject({ scope: "admin" });
    world.tokens.admin = (token as { id: string }).id;
  });

  const service = () => ({
    name: "go-api",
    base_url: world.upstream,
    auth: { type: "header", header_name: "X-Key", header_value: "a-secret-of-go" },
    tls_skip_verify: true,
    session_cookies: false,
  });

  test("adds, lists, shows, updates and removes services", async () => {
    const info = {
      name: "go-api",
      auth_type: "header",
      header_name: "X-Key",
      tls_skip_verify: true,
      username: "",
    };
    expect(await call("POST", { target: "/services", json: service() }, 201, SERVICE)).toMatchObject(info);
    const listed = await call("GET", { target: "/services" }, 200, { listOf: SERVICE }, world.tokens.proxy);
    expect(listed).toContainEqual(expect.objectContaining(info));
    expect(listed).toContainEqual(
      expect.objectContaining({
        name: "the-redis",
        redis_host: "127.0.0.1",
        redis_port: 1,
        redis_tls: false,
      }),
    );
    expect(await call("GET", { target: "/services/go-api" }, 200, SERVICE)).toMatchObject(info);
    const update = { ...service(), name: "another name" };
    expect(await call("PUT", { target: "/services/go-api", json: update }, 200, SERVICE)).toMatchObject(info);
  });

  test("gets lists that are slices, and never null", async () => {
    for (const target of ["/files", "/health/tokens"]) {
      expect(await call("GET", { target }, 200, { listOf: FILE })).toEqual([]);
    }
  });

  test("calls an API, with a body and with the token in Authorization", async () => {
    const echoed = { fields: { echoed: "string" } } as const;
    const request = { target: "/proxy/go-api/v1/chat?x=1", json: { model: "m" } };
    expect(await call("POST", request, 200, echoed, world.tokens.proxy)).toEqual({
      echoed: "POST /v1/chat?x=1",
    });
  });

  test("uploads a file as multipart/form-data does, lists, gets and deletes it", async () => {
    const form = { name: "go.json", file: new Blob(["{}"], { type: "application/octet-stream" }) };
    expect(await call("POST", { target: "/files", form }, 201, FILE)).toMatchObject({
      name: "go.json",
      size: 2,
    });
    expect(await call("GET", { target: "/files" }, 200, { listOf: FILE })).toMatchObject([
      { name: "go.json" },
    ]);
    const bytes = await sendRaw(world.address, "GET", { target: "/files/go.json" }, world.tokens.admin);
    expect(bytes).toMatchObject({ status: 200, text: "{}" });
    expect(bytes.headers["content-disposition"]).toMatch(/^attachment; filename="go\.json"/);
    expect(await call("DELETE", { target: "/files/go.json" }, 200, STATUS)).toEqual({ status: "deleted" });
  });

  test("makes tokens, with a scope and nothing else or with a duration of Go, lists and revokes them", async () => {
    const plain = await call("POST", { target: "/tokens", json: { scope: "proxy" } }, 201, TOKEN);
    expect(plain).toMatchObject({ scope: "proxy" });
    const short = await call(
      "POST",
      { target: "/tokens", json: { scope: "proxy", ttl: "1h30m0s" } },
      201,
      TOKEN,
    );
    const { created_at, expires_at, id } = short as { created_at: string; expires_at: string; id: string };
    expect((Date.parse(expires_at) - Date.parse(created_at)) / 1000).toBeCloseTo(5_400, 0);
    const listed = await call("GET", { target: "/tokens" }, 200, { listOf: TOKEN_INFO });
    const found = (listed as { id_prefix: string }[]).find(({ id_prefix }) =>
      id.startsWith(id_prefix.replace(/\.\.\.$/, "")),
    );
    expect(found?.id_prefix).toMatch(/^tok_.{4,}\.\.\.$/);
    const target = `/tokens/${found?.id_prefix ?? ""}`;
    expect(await call("DELETE", { target }, 200, STATUS)).toEqual({ status: "revoked" });
  });

  test.each(["imap", "smtp", "redis", "postgres"])(
    "opens a session of %s without a body",
    async (protocol) => {
      const target = `/${protocol}/the-${protocol}/session?timeout=30`;
      const session = await call("POST", { target }, 200, SESSION, world.tokens.proxy);
      expect(session).toMatchObject({ addr: expect.stringMatching(/^127\.0\.0\.1:\d+$/) as unknown });
    },
  );

  test("runs commands and moves files by SSH", async () => {
    const json = { command: "echo $((6 * 7))", timeout: 10 };
    const result = await call("POST", { target: "/ssh/the-ssh/exec", json }, 200, EXEC, world.tokens.proxy);
    expect(result).toMatchObject({ stdout: "42\n", stderr: "", exit_code: 0 });
    const path = `${world.sshd.home}/go.txt`;
    const form = { remote_path: path, mode: "0644", file: new Blob(["from Go"]) };
    const uploaded = await call(
      "POST",
      { target: "/ssh/the-ssh/upload", form },
      200,
      UPLOAD,
      world.tokens.proxy,
    );
    expect(uploaded).toEqual({ ok: true, bytes: 7, remote_path: path });
    const download = { target: "/ssh/the-ssh/download", json: { remote_path: path } };
    const bytes = await sendRaw(world.address, "POST", download, world.tokens.proxy);
    expect(bytes).toMatchObject({ status: 200, text: "from Go" });
    expect(bytes.headers["content-length"]).toBe("7");
  });

  test.each<[string, string, RawRequest, number, boolean]>([
    ["a body that is no JSON", "POST", { target: "/services", json: "text" }, 400, true],
    ["no token", "GET", { target: "/services" }, 401, false],
    ["an unknown service", "GET", { target: "/services/nothing" }, 404, true],
    ["an unknown service to call", "GET", { target: "/proxy/nothing/x" }, 404, true],
    ["another method", "PATCH", { target: "/services" }, 405, true],
  ])("reads the error of %s", async (_name, method, request, status, withToken) => {
    const error = await call(method, request, status, ERROR, withToken ? world.tokens.admin : "");
    expect((error as { error: string }).error).toMatch(/\w{3,}/);
  });

  test("removes the service, and locks", async () => {
    expect(await call("DELETE", { target: "/services/go-api" }, 200, STATUS)).toEqual({ status: "deleted" });
    expect(await call("POST", { target: "/auth/lock" }, 200, STATUS)).toEqual({ status: "locked" });
    expect(await call("GET", { target: "/health" }, 200, HEALTH, "")).toMatchObject({ status: "locked" });
  });
});
