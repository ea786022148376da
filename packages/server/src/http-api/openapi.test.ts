import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createControlPlane } from "./app.js";
import type { ControlPlaneFixture } from "./testing/control-plane-fixture.js";
import { startControlPlane } from "./testing/control-plane-fixture.js";

interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly tags?: string[];
  readonly security?: Record<string, unknown>[];
  readonly parameters?: { readonly name: string; readonly in: string; readonly required?: boolean }[];
  readonly requestBody?: {
    readonly required?: boolean;
    readonly content: Record<string, { schema: unknown }>;
  };
  readonly responses: Record<string, { description?: string; content?: Record<string, { schema: unknown }> }>;
}

interface Document {
  readonly openapi: string;
  readonly info: { title: string; version: string };
  readonly tags: { name: string }[];
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { schemas: Record<string, unknown>; securitySchemes: Record<string, unknown> };
}

let fixture: ControlPlaneFixture;
let document: Document;
beforeAll(async () => {
  fixture = await startControlPlane();
  document = (await fixture.call("GET", "/openapi.json")).json as Document;
});
afterAll(() => fixture.close());

const operations = (): [string, string, Operation][] =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, string, Operation] => [
      method,
      path,
      operation,
    ]),
  );

const PAGE = "get /auth/oauth2/callback";
const OPEN = ["get /health", "get /openapi.json", "post /auth/unlock", PAGE];

describe("the OpenAPI document", () => {
  test("says what it is", () => {
    expect(document.openapi).toBe("3.1.0");
    expect(document.info).toMatchObject({ title: "vault-proxy", version: "1.2.3" });
    expect(document.components.securitySchemes).toMatchObject({ bearer: { type: "http", scheme: "bearer" } });
  });

  test("lists every route of the contract, and /proxy", () => {
    const listed = operations().map(([method, path]) => `${method} ${path}`);
    const proxied = ["get", "head", "post", "put", "patch", "delete", "options"];
    expect(listed.sort()).toEqual(
      [
        ...OPEN,
        "get /health/tokens",
        "post /auth/lock",
        "post /auth/password",
        "post /auth/recovery-key",
        "post /auth/oauth2/authorize",
        "post /auth/oauth2/device",
        "get /auth/oauth2/flows/{flow}",
        "delete /auth/oauth2/flows/{flow}",
        "get /audit",
        "get /metrics",
        "get /services",
        "post /services",
        "get /services/{name}",
        "put /services/{name}",
        "patch /services/{name}",
        "delete /services/{name}",
        "get /files",
        "post /files",
        "get /files/{name}",
        "delete /files/{name}",
        "get /tokens",
        "post /tokens",
        "delete /tokens/{id}",
        "delete /tokens/self",
        "post /tokens/{id}/resume",
        "post /tokens/self/children",
        ...["get /policies", "post /policies", "post /policies/test"],
        ...["get", "put", "delete"].map((method) => `${method} /policies/{name}`),
        ...["imap", "smtp", "redis", "postgres"].map((protocol) => `post /${protocol}/{service}/session`),
        "get /sessions",
        "delete /sessions/{id}",
        ...["exec", "upload", "download"].map((action) => `post /ssh/{service}/${action}`),
        "get /ssh/{service}/session",
        "put /services/{name}/host-key",
        "delete /services/{name}/host-key",
        ...proxied.map((method) => `${method} /proxy/{service}/{path}`),
      ].sort(),
    );
  });

  test("gives every operation an id of its own, named as the client's method", () => {
    const ids = operations().map(([, , { operationId }]) => operationId);
    expect(ids.sort()).toEqual(
      [
        ...["health", "healthTokens", "unlock", "lock", "changePassword", "createRecoveryKey", "openApi"],
        ...["startBrowserLogin", "finishBrowserLogin", "startDeviceLogin", "loginStatus", "cancelLogin"],
        ...["listAudit", "metrics"],
        ...["listServices", "getService", "addService", "updateService", "patchService", "removeService"],
        ...["uploadFile", "listFiles", "getFile", "deleteFile"],
        ...["createToken", "createChildToken", "listTokens", "revokeToken", "revokeOwnToken", "resumeToken"],
        ...["addPolicy", "listPolicies", "getPolicy", "updatePolicy", "removePolicy", "testPolicy"],
        ...["openImapSession", "openSmtpSession", "openRedisSession", "openPostgresSession"],
        ...[
          "listSessions",
          "closeSession",
          "sshExec",
          "sshSession",
          "sshUpload",
          "sshDownload",
          "setHostKey",
          "clearHostKey",
        ],
        ...["proxyGet", "proxyHead", "proxyPost", "proxyPut", "proxyPatch", "proxyDelete", "proxyOptions"],
      ].sort(),
    );
  });

  test("gives every operation a summary, a known tag and its path parameters", () => {
    const tags = document.tags.map(({ name }) => name);
    for (const [, path, operation] of operations()) {
      expect(operation.summary).toMatch(/^[A-Z].{5,}[^.]$/);
      expect(operation.tags).toHaveLength(1);
      expect(tags).toContain(operation.tags?.[0]);
      const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === "path");
      expect(declared.map(({ name }) => `{${name}}`)).toEqual(path.match(/\{\w+\}/g) ?? []);
      expect(declared.every(({ required }) => required)).toBe(true);
    }
  });

  test("wants the bearer token exactly where the server does", async () => {
    for (const [method, path, operation] of operations()) {
      const isOpen = OPEN.includes(`${method} ${path}`);
      expect(operation.security).toEqual(isOpen ? undefined : [{ bearer: [] }]);
      expect("401" in operation.responses).toBe(!isOpen || path === "/auth/unlock");
      if (path.startsWith("/proxy/")) continue;
      const answer = await fixture.app.request(path.replaceAll(/\{\w+\}/g, "x"), {
        method: method.toUpperCase(),
      });
      expect(answer.status === 401, `${method} ${path}`).toBe(!isOpen);
    }
  });

  test("gives every error answer the Error schema, but for pages", () => {
    for (const [method, path, { responses }] of operations()) {
      const isPage = `${method} ${path}` === PAGE;
      for (const [status, response] of Object.entries(responses)) {
        expect(response.description).toMatch(/./);
        if (!/^[45]/.test(status)) continue;
        if (isPage && response.content?.["text/html"] !== undefined) continue;
        expect(response.content?.["application/json"]?.schema).toEqual({
          $ref: "#/components/schemas/Error",
        });
      }
      expect(Object.keys(responses).some((status) => /^[12]|default/.test(status))).toBe(true);
      expect(responses).toHaveProperty("500");
    }
  });

  test("refers only to schemas that it holds, and to each of them", () => {
    const text = JSON.stringify(document);
    const used = new Set([...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name));
    expect([...used].sort()).toEqual(Object.keys(document.components.schemas).sort());
  });

  test("describes a service with each auth type", () => {
    const text = JSON.stringify(document.components.schemas.ServiceDefinition);
    for (const type of ["bearer", "header", "headers", "basic", "url", "query"])
      expect(text).toContain(`"${type}"`);
    expect(text).toContain('"additionalProperties":false');
  });

  test("is the same at every request", async () => {
    const again = await createControlPlane(fixture.parts).request("/openapi.json");
    expect(await again.json()).toEqual(document);
  });
});
