import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ControlPlaneFixture } from "./testing/control-plane-fixture.js";
import { startControlPlane } from "./testing/control-plane-fixture.js";

let fixture: ControlPlaneFixture;
beforeAll(async () => {
  fixture = await startControlPlane();
});
afterAll(() => fixture.close());

const ROUTES: [string, string][] = [
  ["POST", "/auth/lock"],
  ["POST", "/auth/password"],
  ["POST", "/auth/recovery-key"],
  ["POST", "/services"],
  ["PUT", "/services/known"],
  ["PUT", "/services/unknown"],
  ["POST", "/tokens"],
];

const scalar = fc.oneof(
  fc.string(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom(
    "",
    "https://api.example.com",
    "http://x",
    "bearer",
    "basic",
    "headers",
    "url",
    "1h",
    "\ud800",
  ),
);
const fieldName = fc.constantFrom(
  ...[
    "name",
    "base_url",
    "auth",
    "type",
    "token",
    "username",
    "password",
    "headers",
    "header_name",
    "params",
    "scope",
  ],
  ...[
    "ttl",
    "expires_at",
    "current",
    "new",
    "revoke_tokens",
    "tls_ca",
    "max_request_bytes",
    "constructor",
    "$secret",
  ],
);
/** Bodies that are near the real ones: known names, values of any kind, nested. */
const { body } = fc.letrec<{ body: unknown; value: unknown }>((tie) => ({
  value: fc.oneof({ maxDepth: 4 }, scalar, fc.array(tie("value"), { maxLength: 3 }), tie("body")),
  body: fc.dictionary(fc.oneof(fieldName, fc.string()), tie("value"), { maxKeys: 6 }),
}));

test("no JSON body whatever makes a 500, and none that is refused changes anything", async () => {
  const known = {
    name: "known",
    base_url: "https://api.example.com",
    auth: { type: "bearer", token: "secret" },
  };
  await fixture.call("POST", "/services", { token: fixture.admin, json: known });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...ROUTES),
      fc.oneof(body, fc.jsonValue()),
      async ([method, path], json) => {
        if (fixture.vault.status === "locked") await fixture.unlock();
        const before = fixture.snapshot();
        const answer = await fixture.call(method, path, { token: fixture.admin, json });
        expect(answer.status).toBeLessThan(500);
        if (answer.status >= 300) expect(fixture.snapshot()).toBe(before);
      },
    ),
    { numRuns: 400 },
  );
});

test("no bytes whatever in the place of a body make a 500 or change anything", async () => {
  const types = fc.constantFrom("application/json", "multipart/form-data; boundary=b", "text/plain", "");
  const routes = fc.constantFrom(
    ...ROUTES,
    ["POST", "/files"] as [string, string],
    ["POST", "/auth/unlock"] as [string, string],
  );
  if (fixture.vault.status === "locked") await fixture.unlock();
  const before = fixture.snapshot();
  await fc.assert(
    fc.asyncProperty(routes, types, fc.uint8Array({ minLength: 1 }), async ([method, path], type, bytes) => {
      const headers: Record<string, string> = type === "" ? {} : { "Content-Type": type };
      const answer = await fixture.call(method, path, {
        token: fixture.admin,
        body: Buffer.from(bytes),
        headers,
      });
      expect([400, 413, 415]).toContain(answer.status);
    }),
  );
  expect(fixture.snapshot()).toBe(before);
});
