import { expect, test } from "vitest";
import fc from "fast-check";
import { authorizationUrl, isFlowParameter, type AuthorizationRequest } from "./authorization-url.js";

const REQUEST: AuthorizationRequest = {
  authUrl: "https://accounts.example.com/authorize?tenant=a%20b",
  clientId: "client+1",
  redirectUri: "http://localhost:8390/auth/oauth2/callback",
  scopes: ["read", "https://example.com/auth/all"],
  scopeSeparator: " ",
  state: "st",
  codeChallenge: "ch",
  parameters: {},
};

const parametersOf = (request: Partial<AuthorizationRequest>): Record<string, string> =>
  Object.fromEntries(new URL(authorizationUrl({ ...REQUEST, ...request })).searchParams);

test("the URL asks for a code with PKCE and offline access, beside what the endpoint has already", () => {
  const url = authorizationUrl(REQUEST);
  expect(url.startsWith("https://accounts.example.com/authorize?tenant=a%20b&")).toBe(true);
  expect(url).not.toContain("+");
  expect(parametersOf({})).toEqual({
    tenant: "a b",
    response_type: "code",
    client_id: "client+1",
    redirect_uri: REQUEST.redirectUri,
    scope: "read https://example.com/auth/all",
    state: "st",
    code_challenge: "ch",
    code_challenge_method: "S256",
    access_type: "offline",
    prompt: "consent",
  });
});

test("further parameters may say something else than the usual ones", () => {
  const parameters = { prompt: "select_account", access_type: "online", user_scope: "chat:write" };
  expect(parametersOf({ parameters })).toMatchObject(parameters);
});

test("scopes are joined as the provider wants, and left out if there are none", () => {
  expect(parametersOf({ scopeSeparator: "," }).scope).toBe("read,https://example.com/auth/all");
  expect(parametersOf({ scopes: [] })).not.toHaveProperty("scope");
});

test.each([
  "state",
  "STATE",
  " redirect_uri ",
  "code_challenge",
  "request_uri",
  "response_mode",
  "client_id",
])("%j is nobody's but the flow's", (name) => {
  expect(isFlowParameter(name)).toBe(true);
});

test("no other parameter touches those that the flow's safety stands on", () => {
  const name = fc.string({ minLength: 1 }).filter((text) => !isFlowParameter(text));
  fc.assert(
    fc.property(fc.dictionary(name, fc.string()), (parameters) => {
      const sent = new URL(authorizationUrl({ ...REQUEST, parameters })).searchParams;
      expect(sent.getAll("state")).toEqual(["st"]);
      expect(sent.getAll("redirect_uri")).toEqual([REQUEST.redirectUri]);
      expect(sent.getAll("code_challenge")).toEqual(["ch"]);
    }),
  );
});
