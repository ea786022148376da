import { expect, test } from "vitest";

import { clientOf, serve } from "./testing/client-fixture.js";
import { json } from "./testing/recording-server.js";

const POLICY = {
  name: "triage-bot",
  rules: [{ service: "github", methods: ["GET"], paths: ["/repos/**"] }],
  limits: { requests_per_minute: 60 },
};
const STORED = { ...POLICY, version: 3, updated_at: "2030-01-01T00:00:00.000Z" };
const ISSUED = { id: `tok_${"c".repeat(43)}`, scope: "proxy", created_at: "2030-01-01T00:00:00Z" };

test("policies are kept, shown, changed and removed where the vault has them", async () => {
  const server = await serve(({ method, url }, response) =>
    json(response, 200, method === "GET" && url === "/policies" ? [STORED] : STORED),
  );
  const client = clientOf(server);
  expect(await client.addPolicy(POLICY)).toEqual(STORED);
  await client.addPolicy("name: p\nrules: []\n");
  expect(await client.updatePolicy("a/b", { rules: [] })).toEqual(STORED);
  await client.updatePolicy("p", "rules: []");
  expect(await client.listPolicies()).toEqual([STORED]);
  expect(await client.getPolicy("p")).toEqual(STORED);
  await client.removePolicy("p");
  await client.removePolicy("p", { force: true });
  const sent = server.requests.map(({ method, url, body, headers }) => [
    `${method} ${url}`,
    body,
    headers["content-type"],
  ]);
  expect(sent).toEqual([
    ["POST /policies", JSON.stringify(POLICY), "application/json"],
    ["POST /policies", "name: p\nrules: []\n", "application/yaml"],
    ["PUT /policies/a%2Fb", '{"rules":[]}', "application/json"],
    ["PUT /policies/p", "rules: []", "application/yaml"],
    ["GET /policies", "", undefined],
    ["GET /policies/p", "", undefined],
    ["DELETE /policies/p", "", undefined],
    ["DELETE /policies/p?force=true", "", undefined],
  ]);
});

test("a policy is asked about a call or an action", async () => {
  const verdict = { allowed: true, rule: "p/1" };
  const server = await serve((_request, response) => json(response, 200, verdict));
  const client = clientOf(server);
  expect(await client.testPolicy("p", { service: "a", method: "GET", path: "/" })).toEqual(verdict);
  await client.testPolicy({ rules: [] }, { service: "a", action: "exec", command: "ls" });
  expect(server.requests.map(({ url, body }) => [url, JSON.parse(body) as unknown])).toEqual([
    ["/policies/test", { policy: "p", service: "a", method: "GET", path: "/" }],
    ["/policies/test", { policy: { rules: [] }, service: "a", action: "exec", command: "ls" }],
  ]);
});

test("tokens and children of tokens are made with policies", async () => {
  const issued = { ...ISSUED, policy: { rules: POLICY.rules } };
  const server = await serve(({ method }, response) =>
    json(
      response,
      200,
      method === "GET" ? [{ ...issued, id_prefix: "tok_c...", parent: "tok_a..." }] : issued,
    ),
  );
  const client = clientOf(server);
  expect(await client.createToken({ policy: "p" })).toBe(ISSUED.id);
  expect(await client.createChildToken()).toBe(ISSUED.id);
  const request = { name: "sub", ttl: "5m", policy: { rules: POLICY.rules } };
  expect(await client.createChildTokenWithDetails(request)).toEqual(issued);
  expect((await client.listTokens())[0]).toMatchObject({ parent: "tok_a...", policy: issued.policy });
  expect(server.requests.map(({ method, url, body }) => [`${method} ${url}`, body])).toEqual([
    ["POST /tokens", '{"scope":"proxy","policy":"p"}'],
    ["POST /tokens/self/children", "{}"],
    ["POST /tokens/self/children", JSON.stringify(request)],
    ["GET /tokens", ""],
  ]);
});

test.each([
  {},
  [STORED, { ...STORED, rules: {} }],
  [{ ...STORED, version: "1" }],
  [{ ...STORED, name: undefined }],
])("what is no answer of a vault is told apart (%#)", async (answer) => {
  const client = clientOf(await serve((_request, response) => json(response, 200, answer)));
  const expected = expect.objectContaining({ code: "invalid_answer" }) as Error;
  await expect(client.listPolicies()).rejects.toThrow(expected);
  await expect(client.testPolicy("p", { service: "a", action: "session" })).rejects.toThrow(expected);
  await expect(client.createChildToken()).rejects.toThrow(expected);
});
