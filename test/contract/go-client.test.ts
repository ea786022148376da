import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startContractWorld, type ContractWorld } from "./contract-world.js";
import { startServer, temporaryDirectory } from "../live/processes.js";
import { openShell } from "../ssh/shell-client.js";
import { GO_SERVICES } from "./go-services.js";
import { callAsGo, sendAsGo, type GoCall } from "./go-call.js";
import { unmarshal, type GoType, type GoValue } from "./go-json.js";
import {
  AUTHORIZATION,
  ECHO,
  ERROR,
  EXEC,
  FILE,
  HEALTH,
  SERVICE,
  SESSION,
  STATUS,
  TOKEN,
  TOKEN_INFO,
  TOKEN_STATE,
  UPLOAD,
} from "./go-structs.js";
import { sendRaw } from "./raw-request.js";
import type { RawRequest, World } from "./route-row.js";

let contract: ContractWorld;
let world: World;
beforeAll(async () => {
  contract = await startContractWorld();
  await contract.fill();
  world = contract.pass("go");
});
afterAll(() => contract.close());

const call = (
  method: string,
  request: RawRequest,
  status: number,
  type: GoType,
  token = world.tokens.admin,
): Promise<GoValue> => callAsGo(world.address, { method, ...request, token }, { status, type });

/** Of a struct. */
const fieldsOf = (type: GoType): object => (typeof type === "object" && "fields" in type ? type.fields : {});

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

  test("reaches a server by its socket", async () => {
    const directory = await temporaryDirectory();
    const flags = ["--listen", `unix:${directory.path}/vault.sock`];
    const server = await startServer({ dataDir: `${directory.path}/data`, flags });
    const reach = (goCall: GoCall, type: GoType) => callAsGo(server.address, goCall, { status: 200, type });
    expect(await reach({ method: "GET", target: "/health" }, HEALTH)).toMatchObject({ initialized: false });
    const json = { password: "the password of the socket" };
    const token = await reach({ method: "POST", target: "/auth/unlock", json }, TOKEN);
    expect(token).toMatchObject({ scope: "admin" });
    await server.stop();
    await directory.remove();
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

  test.each(GO_SERVICES)(
    "is told of a service of type %s what applies, and no secret",
    async (type, json, info) => {
      const name = `go-${type}`;
      const service = { name, ...json };
      const common = { name, tls_skip_verify: false, session_cookies: false };
      const plain = { target: "/services", json: service };
      expect(await call("POST", plain, 201, SERVICE)).toMatchObject({ ...common, ...info });
      const target = `/services/${name}`;
      const answer = await sendAsGo(world.address, { method: "GET", target, token: world.tokens.proxy });
      expect(answer.text).not.toContain("secret-of-go");
      const given = Object.fromEntries(
        Object.entries(answer.json as object).filter(([field]) => field in fieldsOf(SERVICE)),
      );
      expect(given).toEqual({ ...common, ...info });
      expect(await call("DELETE", { target }, 200, STATUS)).toEqual({ status: "deleted" });
    },
  );

  test("reads which tokens of APIs are about to expire", async () => {
    const soon = Math.floor(Date.now() / 1000) + 600;
    const auth = {
      ...{ type: "oauth2_client", client_id: "the-client", client_secret: "secret-of-go" },
      ...{ refresh_token: "secret-of-go-too", token_url: `${world.upstream}/token` },
      ...{ access_token: "secret-of-go-as-well", expires_at: soon },
    };
    const json = { name: "go-login", base_url: world.upstream, tls_skip_verify: true, auth };
    await call("POST", { target: "/services", json }, 201, SERVICE);
    const state = {
      name: "go-login",
      auth_type: "oauth2_client",
      expires_at: soon,
      token_status: "expiring",
    };
    const listed = await call(
      "GET",
      { target: "/health/tokens" },
      200,
      { listOf: TOKEN_STATE },
      world.tokens.proxy,
    );
    expect(listed).toEqual([state]);
    await call("DELETE", { target: "/services/go-login" }, 200, STATUS);
  });

  test("logs in to an API by a browser", async () => {
    const json = {
      ...{ service_name: "go-login", base_url: world.upstream, scopes: ["read"], tls_skip_verify: true },
      ...{ client_id: "the-client", client_secret: "secret-of-go" },
      ...{ auth_url: `${world.upstream}/authorize`, token_url: `${world.upstream}/token` },
    };
    const begun = await call("POST", { target: "/auth/oauth2/authorize", json }, 200, AUTHORIZATION);
    const { auth_url, state, redirect_uri, message } = begun as Record<string, string>;
    const asked = new URL(auth_url ?? "").searchParams;
    expect(Object.fromEntries(asked)).toMatchObject({
      ...{ response_type: "code", access_type: "offline", prompt: "consent", state, redirect_uri },
      ...{ code_challenge_method: "S256", client_id: "the-client" },
    });
    expect(message).toMatch(/\w{3,}/);
    const target = `/auth/oauth2/callback?code=the-code&state=${String(state)}`;
    const page = await sendAsGo(world.address, { method: "GET", target });
    expect(page).toMatchObject({ status: 200 });
    expect(page.headers["content-type"]).toMatch(/^text\/html/);
    expect(await call("GET", { target: "/services/go-login" }, 200, SERVICE)).toMatchObject({
      auth_type: "oauth2_client",
      token_status: "valid",
      scopes: ["read"],
    });
    // A state is good for one use.
    expect(await sendAsGo(world.address, { method: "GET", target })).toMatchObject({ status: 400 });
    await call("DELETE", { target: "/services/go-login" }, 200, STATUS);
  });

  test("gets lists that are slices, and never null", async () => {
    for (const target of ["/files", "/health/tokens"]) {
      expect(await call("GET", { target }, 200, { listOf: FILE })).toEqual([]);
    }
  });

  test("calls an API, with a body and with the token in Authorization", async () => {
    const request = { target: "/proxy/go-api/v1/chat?x=1", json: { model: "m" } };
    expect(await call("POST", request, 200, ECHO, world.tokens.proxy)).toEqual({
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

  test("opens a shell by WebSocket", async () => {
    const path = "/ssh/the-ssh/session?cols=80&rows=24";
    const shell = await openShell(world.address, path, world.tokens.proxy);
    shell.type("echo $((6 * 7))of-go; exit 3\n");
    await shell.see(/42of-go/);
    expect(await shell.closed).toMatchObject({ code: 1000 });
    const nothing = openShell(world.address, "/ssh/nothing/session", world.tokens.proxy);
    await expect(nothing).rejects.toMatchObject({ status: 404 });
  });

  test("removes the service, and locks", async () => {
    expect(await call("DELETE", { target: "/services/go-api" }, 200, STATUS)).toEqual({ status: "deleted" });
    expect(await call("POST", { target: "/auth/lock" }, 200, STATUS)).toEqual({ status: "locked" });
    expect(await call("GET", { target: "/health" }, 200, HEALTH, "")).toMatchObject({ status: "locked" });
  });
});
