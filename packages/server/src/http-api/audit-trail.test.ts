import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { startControlPlane, type ControlPlaneFixture } from "./testing/control-plane-fixture.js";

const SECRET = "ghp_0123456789abcdefghij";
const SERVICE = {
  name: "github",
  base_url: "https://api.github.com",
  auth: { type: "bearer", token: SECRET },
};
const FULL = new VaultProxyError("audit_unavailable", "no room");

let plane: ControlPlaneFixture;
beforeEach(async () => {
  plane = await startControlPlane();
});
afterEach(() => plane.close());

const last = () => plane.recorded.at(-1);

describe("what an admin changes is recorded by name", () => {
  test("a service that is added, replaced, changed and removed", async () => {
    const { admin: token } = plane;
    await plane.call("POST", "/services", { token, json: SERVICE });
    expect(last()).toMatchObject({
      action: "service.add",
      service: "github",
      method: "POST",
      path: "/services",
      decision: "allow",
      status: 201,
      client: "192.0.2.1",
      request_id: "req-1",
      token: token.slice(0, 12),
      details: { auth_type: "bearer", replaced: false },
    });
    await plane.call("POST", "/services", { token, json: SERVICE });
    expect(last()?.details).toMatchObject({ replaced: true });
    await plane.call("PUT", "/services/github", {
      token,
      json: { ...SERVICE, auth: { type: "bearer", token: `${SECRET}2` } },
    });
    expect(last()).toMatchObject({
      action: "service.update",
      details: { changed: "base_url, auth.type, auth.token" },
    });
    await plane.call("DELETE", "/services/github", { token });
    expect(last()).toMatchObject({ action: "service.remove", details: { auth_type: "bearer" } });
    expect(JSON.stringify(plane.recorded)).not.toContain(SECRET);
  });

  test("tokens, with no token in any path", async () => {
    const { admin: token } = plane;
    const { id } = (await plane.call("POST", "/tokens", { token, json: { name: "bot" } })).json as {
      id: string;
    };
    expect(last()).toMatchObject({
      action: "token.create",
      details: { target: id.slice(0, 12), target_name: "bot", scope: "proxy" },
    });
    await plane.call("DELETE", `/tokens/${id}`, { token });
    expect(last()).toMatchObject({ action: "token.revoke", path: "/tokens/***" });
    await plane.call("DELETE", `/tokens/${id.slice(0, 20)}`, { token });
    expect(last()).toMatchObject({ action: "request", path: "/tokens/***", code: "not_found", status: 404 });
    expect(JSON.stringify(plane.recorded)).not.toContain(id.slice(0, 20));
  });

  test("files, also those that are read", async () => {
    const { admin: token } = plane;
    const form = new FormData();
    form.set("file", new File(["key material"], "key.pem"));
    await plane.call("POST", "/files", { token, body: form });
    expect(last()).toMatchObject({ action: "file.add", details: { file: "key.pem", size: 12 } });
    await plane.call("GET", "/files/key.pem", { token });
    expect(last()).toMatchObject({ action: "file.read", bytes_out: 12 });
    await plane.call("DELETE", "/files/key.pem", { token });
    expect(last()).toMatchObject({ action: "file.remove", details: { file: "key.pem" } });
  });

  test("unlocks, right and wrong, and a lock", async () => {
    await plane.unlock("a wrong password");
    expect(last()).toMatchObject({ action: "unlock", decision: "deny", code: "unauthorized", status: 401 });
    const count = plane.recorded.length;
    await plane.unlock();
    expect(plane.recorded.slice(count)).toMatchObject([
      { action: "unlock", decision: "allow", token: expect.stringMatching(/^tok_.{8}$/) as string },
    ]);
    await plane.call("POST", "/auth/lock", { token: plane.admin, json: { revoke_tokens: true } });
    expect(last()).toMatchObject({ action: "lock", token: plane.admin.slice(0, 12) });
    expect(JSON.stringify(plane.recorded)).not.toContain("wrong password");
  });
});

describe("a justification", () => {
  const justified = (text: string, token = plane.admin) =>
    plane.call("POST", "/tokens", { token, headers: { "X-Vault-Justification": text } });

  test("is recorded, UTF-8 too", async () => {
    await justified(Buffer.from("für Zoë").toString("latin1"));
    expect(last()).toMatchObject({ action: "token.create", justification: "für Zoë" });
  });

  test("of 500 characters is taken, a longer one refused before anything is done", async () => {
    expect((await justified("x".repeat(500))).status).toBe(201);
    const count = plane.recorded.length;
    const refused = await justified("x".repeat(501));
    expect(refused).toMatchObject({ status: 400, json: { code: "invalid_request" } });
    expect(plane.recorded.slice(count)).toMatchObject([{ action: "request", decision: "deny", status: 400 }]);
  });

  test("does not come before the token", async () => {
    expect((await justified("x".repeat(501), "tok_none")).status).toBe(401);
  });
});

describe("where nothing can be recorded", () => {
  test("no change is made, and made again when there is room", async () => {
    const { admin: token } = plane;
    const before = plane.snapshot();
    plane.failAudit(FULL);
    const refused = await plane.call("POST", "/services", { token, json: SERVICE });
    expect(refused).toMatchObject({ status: 503, json: { code: "audit_unavailable" } });
    expect(plane.snapshot()).toBe(before);
    await plane.call("POST", "/services", { token, json: SERVICE });
    const told = plane.logged.filter((line) => /audit_unavailable|audit log|request failed/.test(line));
    expect(told).toEqual(['{"message":"requests are refused: the audit log cannot be written"}']);
    // Once a minute, also by a clock that was set back.
    const logged = plane.logged.length;
    plane.wait(-3_600_000);
    await plane.call("POST", "/services", { token, json: SERVICE });
    expect(plane.logged.slice(logged)).toEqual(told);
    plane.failAudit(undefined);
    expect((await plane.call("POST", "/services", { token, json: SERVICE })).status).toBe(201);
  });

  test("what changes nothing is answered, and the vault can be locked", async () => {
    const { admin: token } = plane;
    plane.failAudit(FULL);
    expect((await plane.call("GET", "/services", { token })).status).toBe(200);
    expect((await plane.call("GET", "/tokens", { token })).status).toBe(200);
    expect((await plane.call("POST", "/auth/lock", { token })).status).toBe(200);
  });
});

test("requests that are refused are recorded with who sent them", async () => {
  await plane.call("POST", "/tokens", { token: plane.proxy });
  expect(last()).toMatchObject({
    action: "request",
    decision: "deny",
    code: "forbidden",
    status: 403,
    path: "/tokens",
    token: plane.proxy.slice(0, 12),
  });
  await plane.call("GET", "/tokens");
  expect(last()).toMatchObject({ action: "request", code: "unauthorized", status: 401 });
  expect(last()?.token).toBeUndefined();
});
