import { describe, expect, test } from "vitest";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { Secret } from "../redaction/secret.js";
import { importGoService, legalServiceName } from "./go-service.js";
import { inputOf, obstaclesOf, usableRecord } from "./imported-service.js";
import { createInjector, describeService, serviceNameSchema } from "./service-definition.js";

const BASE_URL = "https://api.example.com/v1";
const SECRET = "go-s3cret";

const importService = (auth: object, others: object = {}) =>
  importGoService("api", { name: "api", base_url: BASE_URL, auth, ...others });

describe("a service of a Go server", () => {
  test.each([
    [{ type: "bearer", token: SECRET }, BASE_URL],
    [{ type: "header", header_name: "X-Key", header_value: SECRET }, BASE_URL],
    [{ type: "basic", username: "me", password: SECRET }, BASE_URL],
    [{ type: "url", token: SECRET }, "https://api.example.com/{token}"],
  ])("of a type that both have is the same as if it had been added here: %j", (auth, base_url) => {
    const record = importService(auth, { base_url });
    expect(record.unchecked).toBeUndefined();
    expect(usableRecord(record)).toBe(record);
    expect(inputOf(record.auth)).toEqual(auth);
    expect(JSON.stringify(record)).not.toContain(SECRET);
    expect(createInjector(record)).toBeDefined();
    expect(obstaclesOf(record)).toEqual([]);
  });

  test("keeps tls_skip_verify, which allows http and private addresses there and here", () => {
    const record = importService(
      { type: "bearer", token: SECRET },
      { base_url: "http://10.0.0.1", tls_skip_verify: true },
    );
    expect(record).toMatchObject({ tls_skip_verify: true, base_url: "http://10.0.0.1" });
    expect(usableRecord(record)).toBe(record);
  });

  test("of a type that is not known yet keeps every field, and says at a call that it is not known", () => {
    const auth = {
      type: "ssh_certificate",
      ssh_host: "host.example.com",
      ssh_port: 22,
      ssh_key_passphrase: SECRET,
      ssh_host_key: "ssh-ed25519 AAAA",
      ssh_allowed_commands: ["uptime"],
      a_field_to_come: { deep: [SECRET] },
    };
    const record = importService(auth, { base_url: "" });
    expect(record).toMatchObject({ unchecked: true, base_url: "" });
    expect(inputOf(record.auth)).toEqual(auth);
    expect(record.auth).toMatchObject({ ssh_host: "host.example.com", ssh_host_key: "ssh-ed25519 AAAA" });
    expect(record.auth.ssh_key_passphrase).toBeInstanceOf(Secret);
    expect(JSON.stringify(record)).not.toContain(SECRET);
    expect(describeService(record)).toMatchObject({ name: "api", auth_type: "ssh_certificate" });
    expect(() => usableRecord(record)).toThrow(
      expect.objectContaining({
        code: "not_implemented",
        message: "auth type ssh_certificate is not known to this version",
      }),
    );
    expect(obstaclesOf(record)).not.toEqual([]);
  });

  test.each([
    ["base_url", { type: "bearer", token: SECRET }, { base_url: "http://api.example.com" }],
    ["base_url", { type: "bearer", token: SECRET }, { base_url: 7 }],
    ["auth.token", { type: "bearer" }, {}],
    ["auth.header_name", { type: "header", header_name: "Host", header_value: SECRET }, {}],
  ])("that is not taken for its %s is kept, and a call names the field", (field, auth, others) => {
    const record = importService(auth, others);
    expect(record.unchecked).toBe(true);
    expect(obstaclesOf(record)).toEqual([field]);
    let thrown: unknown;
    try {
      usableRecord(record);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(VaultProxyError);
    expect(thrown).toMatchObject({ code: "conflict" });
    expect(String(thrown)).toContain(field);
    expect(String(thrown)).not.toContain(SECRET);
  });

  test.each([
    ["my service", "my-service"],
    ["a/b", "a-b"],
    ["..x", "x"],
    ["", "unnamed"],
    ["é", "unnamed"],
    ["ok.name_1-2", "ok.name_1-2"],
    ["y".repeat(300), "y".repeat(120)],
  ])("named %j gets the name %j", (name, legal) => {
    expect(legalServiceName(name)).toBe(legal);
    expect(serviceNameSchema.safeParse(legal).success).toBe(true);
  });

  test("of type ssh_key is taken over, with its host key in the form that is kept here", () => {
    const hostKey = `ssh-ed25519 ${Buffer.concat([Buffer.from([0, 0, 0, 11]), Buffer.from("ssh-ed25519"), Buffer.from([0, 0, 0, 32]), Buffer.alloc(32, 7)]).toString("base64")}`;
    const auth = {
      type: "ssh_key",
      ssh_host: "host.example.com",
      ssh_port: 22,
      ssh_user: "deploy",
      ssh_key_file_ref: "deploy-key",
      ssh_host_key: `${hostKey}\n`,
    };
    const record = importService(auth, { base_url: "" });
    expect(record.unchecked).toBeUndefined();
    expect(describeService(record)).toMatchObject({ ssh_connected: true, ssh_host_key: hostKey });
    // One that cannot be read must not make it trust the next server that answers.
    expect(obstaclesOf(importService({ ...auth, ssh_host_key: "AAAA" }, { base_url: "" }))).toEqual([
      "auth.ssh_host_key",
    ]);
  });

  test("that is not validated shows nothing of its base URL but where it leads", () => {
    const shown = (base_url: string) =>
      describeService(importService({ type: "ssh_key" }, { base_url })).base_url;
    expect(shown("https://user:hunter2@api.example.com:8443/v1?key=sekrit#x")).toBe(
      "https://api.example.com:8443/v1",
    );
    expect(shown("https://a@b@api.example.com")).toBe("https://api.example.com");
    expect(shown("user:hunter2@api.example.com")).toBe("");
    expect(shown("")).toBe("");
  });

  test("keeps session_cookies", () => {
    const record = importService({ type: "bearer", token: SECRET }, { session_cookies: true });
    expect(record).toMatchObject({ session_cookies: true, forward_cookies: false });
    expect(record.unchecked).toBeUndefined();
    expect(usableRecord(record)).toBe(record);
    expect(describeService(record).session_cookies).toBe(true);
  });

  test("becomes usable when what was in the way is gone", () => {
    const record = importService({ type: "bearer", token: SECRET }, { base_url: "http://api.example.com" });
    expect(record.unchecked).toBe(true);
    const earlier = { ...importService({ type: "bearer", token: SECRET }, { session_cookies: true }) };
    for (const mended of [
      { ...record, base_url: BASE_URL },
      { ...earlier, unchecked: true },
    ]) {
      expect(usableRecord(mended).unchecked).toBeUndefined();
    }
  });

  test("loses fields that its type does not use", () => {
    const record = importService({ type: "bearer", token: SECRET, client_id: "left over", scopes: ["a"] });
    expect(inputOf(record.auth)).toEqual({ type: "bearer", token: SECRET });
  });

  test.each([[undefined], [null], ["text"], [[]], [{}], [{ type: 3, token: SECRET }]])(
    "with %j for auth is kept without a type",
    (auth) => {
      const record = importGoService("api", { auth });
      expect(record).toMatchObject({ unchecked: true, auth: { type: "" } });
      expect(JSON.stringify(record)).not.toContain(SECRET);
      expect(() => usableRecord(record)).toThrow(/auth type \(none\)/);
      expect(describeService(record).auth_type).toBe("");
    },
  );
});
