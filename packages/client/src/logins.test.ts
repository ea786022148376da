import { describe, expect, test } from "vitest";

import type { BrowserLogin } from "./index.js";
import { TOKEN, clientOf, serve } from "./testing/client-fixture.js";
import { json } from "./testing/recording-server.js";

const BROWSER_ANSWER = {
  auth_url: "https://accounts.example/authorize?x=y",
  state: "s",
  redirect_uri: "http://127.0.0.1:8390/auth/oauth2/callback",
  message: "m",
  flow: "flow-1",
  expires_at: "2030-01-01T00:00:00.000Z",
};
const DEVICE_ANSWER = {
  user_code: "WDJB-MJHT",
  verification_uri: "https://accounts.example/device",
  message: "m",
  flow: "flow-2",
  expires_at: "2030-01-01T00:00:00.000Z",
  interval: 5,
};
const LOGIN = {
  service_name: "api",
  base_url: "https://api.example",
  scopes: ["read"],
  client_id: "c",
  client_secret: undefined,
  auth_url: "https://accounts.example/authorize",
  token_url: "https://accounts.example/token",
  client_auth: "none",
} as const satisfies BrowserLogin;

test("logins are begun, looked at and cancelled where the vault has them", async () => {
  const server = await serve((request, response) => {
    if (request.url.endsWith("/authorize")) json(response, 200, BROWSER_ANSWER);
    else if (request.url.endsWith("/device")) json(response, 200, DEVICE_ANSWER);
    else if (request.method === "DELETE") json(response, 200, { status: "cancelled" });
    else json(response, 200, { status: "failed", service_name: "api", error: "no", code: "access_denied" });
  });
  const client = clientOf(server);
  expect(await client.oauthAuthorize(LOGIN)).toEqual(BROWSER_ANSWER);
  const { auth_url: _url, ...login } = LOGIN;
  expect(await client.oauthDevice({ ...login, device_url: "https://d.example" })).toEqual(DEVICE_ANSWER);
  expect(await client.oauthFlow("flow/1")).toMatchObject({ status: "failed", code: "access_denied" });
  await client.cancelOauthFlow("flow-1");
  expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
    "POST /auth/oauth2/authorize",
    "POST /auth/oauth2/device",
    "GET /auth/oauth2/flows/flow%2F1",
    "DELETE /auth/oauth2/flows/flow-1",
  ]);
  expect(server.requests.every(({ headers }) => headers.authorization === `Bearer ${TOKEN}`)).toBe(true);
  const { client_secret: _none, ...sent } = LOGIN;
  expect(JSON.parse(server.requests[0]!.body)).toEqual(sent);
});

test("healthTokens lists what ends when", async () => {
  const tokens = [
    { name: "a", auth_type: "oauth2_client", expires_at: 1_900_000_000, token_status: "valid" },
    { name: "b", auth_type: "github_app", token_status: "expired" },
  ];
  const server = await serve((_, response) => json(response, 200, tokens));
  expect(await clientOf(server).healthTokens()).toEqual(tokens);
  expect(server.requests[0]).toMatchObject({ method: "GET", url: "/health/tokens" });
});

describe("an answer that no vault gives is refused:", () => {
  test.each(Object.keys(BROWSER_ANSWER).filter((field) => field !== "message"))(
    "a login in a browser without %s",
    async (field) => {
      const server = await serve((_, response) => json(response, 200, { ...BROWSER_ANSWER, [field]: 5 }));
      await expect(clientOf(server).oauthAuthorize(LOGIN)).rejects.toMatchObject({ code: "invalid_answer" });
    },
  );

  test.each([
    ["user_code", undefined],
    ["verification_uri", {}],
    ["verification_uri_complete", 5],
    ["flow", null],
    ["expires_at", 5],
    ["interval", "5"],
  ])("a login on a device whose %s is %j", async (field, value) => {
    const server = await serve((_, response) => json(response, 200, { ...DEVICE_ANSWER, [field]: value }));
    const { auth_url: _url, ...login } = LOGIN;
    await expect(clientOf(server).oauthDevice(login)).rejects.toMatchObject({ code: "invalid_answer" });
  });

  test.each([
    { service_name: "api" },
    { status: "done" },
    { status: "failed", service_name: "a", error: 5 },
    { status: "failed", service_name: "a", code: [] },
    [],
  ])("a status that is %j", async (answer) => {
    const server = await serve((_, response) => json(response, 200, answer));
    await expect(clientOf(server).oauthFlow("f")).rejects.toMatchObject({ code: "invalid_answer" });
  });

  test.each([{}, [{}], [{ name: "a", auth_type: "b", token_status: "valid", expires_at: "soon" }], [5]])(
    "tokens that are %j",
    async (answer) => {
      const server = await serve((_, response) => json(response, 200, answer));
      await expect(clientOf(server).healthTokens()).rejects.toMatchObject({ code: "invalid_answer" });
    },
  );

  test("a service that ends at a time which is no number", async () => {
    const odd = { name: "a", auth_type: "oauth2_client", expires_at: "2030" };
    const server = await serve((_, response) => json(response, 200, odd));
    await expect(clientOf(server).getService("a")).rejects.toMatchObject({ code: "invalid_answer" });
  });
});

test("services with credentials that expire are stored as they are defined", async () => {
  const server = await serve((_, response) => json(response, 201, { name: "s", auth_type: "x" }));
  const client = clientOf(server);
  const service = { name: "s", base_url: "https://x" };
  const definitions = [
    { type: "oauth2_client", client_id: "c", token_url: "https://t", grant: "client_credentials" },
    { type: "service_account", file_ref: "key.json", sa_scopes: ["a"] },
    { type: "jwt_bearer", token_url: "https://t", issuer: "i", key_file: "k.pem", claims: { a: 1 } },
    {
      type: "github_app",
      app_id: 1,
      installation_id: "2",
      key_file: "k.pem",
      permissions: { contents: "read" },
    },
  ] as const;
  for (const auth of definitions) await client.addService({ ...service, auth });
  expect(server.requests.map(({ body }) => JSON.parse(body) as unknown)).toEqual(
    definitions.map((auth) => ({ ...service, auth })),
  );
});
