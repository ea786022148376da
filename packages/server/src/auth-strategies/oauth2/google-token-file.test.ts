import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { VaultProxyError } from "../../errors/vault-proxy-error.js";
import { parseGoogleTokenFile } from "./google-token-file.js";

const REFRESH = "1//refresh-token-of-a-user";
const ACCESS = "ya29.access-token-of-a-user";
const EXPIRES_AT = Date.parse("2031-05-06T07:08:09Z") / 1000;

const parse = (file: unknown) => parseGoogleTokenFile(Buffer.from(JSON.stringify(file)));

function messageOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof VaultProxyError && error.code === "invalid_request") return error.message;
    throw error;
  }
  throw new Error("it was taken");
}

describe("a token file of Google", () => {
  test.each<[string, object]>([
    ["Python", { token: ACCESS, refresh_token: REFRESH, expiry: "2031-05-06T07:08:09.123456" }],
    ["Python that says UTC", { token: ACCESS, refresh_token: REFRESH, expiry: "2031-05-06T07:08:09Z" }],
    ["Node", { access_token: ACCESS, refresh_token: REFRESH, expiry_date: EXPIRES_AT * 1000 + 999 }],
    ["Go", { access_token: ACCESS, refresh_token: REFRESH, expiry: "2031-05-06T09:08:09.123456789+02:00" }],
  ])("as %s writes it is read", (_writer, file) => {
    const token = parse(file);
    expect(token.refreshToken.reveal()).toBe(REFRESH);
    expect(token.access?.token.reveal()).toBe(ACCESS);
    expect(token.access?.expiresAt).toBe(EXPIRES_AT);
    expect(JSON.stringify(token)).not.toMatch(/refresh-token|access-token/);
  });

  test("as gcloud writes it has a refresh token and a client", () => {
    const file = { type: "authorized_user", client_id: "7", client_secret: "x", refresh_token: REFRESH };
    expect(parse(file)).toMatchObject({ access: undefined, clientId: "7", scopes: undefined });
  });

  test.each([
    [{}],
    [{ expiry: null }],
    [{ expiry: "soon" }],
    [{ expiry: "0001-01-01T00:00:00Z" }],
    [{ expiry_date: -1 }],
    [{ expiry_date: "1" }],
  ])("with %j has an access token of unknown age, which is not taken", (expiry) => {
    expect(parse({ refresh_token: REFRESH, token: ACCESS, ...expiry }).access).toBeUndefined();
  });

  test("tells the scopes in either form, and leaves out what is none", () => {
    expect(parse({ refresh_token: REFRESH, scopes: ["a", 'b"', 3, "https://x/y"] }).scopes).toEqual([
      "a",
      "https://x/y",
    ]);
    expect(parse({ refresh_token: REFRESH, scope: "a b" }).scopes).toEqual(["a", "b"]);
    expect(parse({ refresh_token: REFRESH, scope: 3 }).scopes).toBeUndefined();
  });

  test.each<[string, unknown]>([
    ["refresh_token is missing", {}],
    ["refresh_token is missing", { token: ACCESS }],
    ["refresh_token is missing", { refresh_token: null, token: ACCESS }],
    ["refresh_token must be a string", { refresh_token: [REFRESH] }],
    ["refresh_token must not be empty", { refresh_token: "" }],
    ["refresh_token holds characters", { refresh_token: `${REFRESH}\r\n` }],
    ["is an OAuth2 client file", { installed: { client_secret: REFRESH } }],
    ["is the key of a service account", { type: "service_account", private_key: REFRESH }],
    ["must hold a JSON object", [REFRESH]],
  ])("is refused where it %s", (reason, file) => {
    const message = messageOf(() => parse(file));
    expect(message.startsWith(`token_file: ${reason}`), message).toBe(true);
    expect(message).not.toContain(REFRESH);
  });

  test("is read or refused, whatever stands in it", () => {
    const value = fc.oneof(fc.string(), fc.jsonValue());
    const fields = ["refresh_token", "access_token", "token", "expiry", "expiry_date", "scopes", "client_id"];
    const file = fc.record(Object.fromEntries(fields.map((name) => [name, value])), { requiredKeys: [] });
    fc.assert(
      fc.property(fc.oneof(file, fc.jsonValue()), (input) => {
        try {
          const { access } = parse(input);
          if (access !== undefined) expect(Number.isSafeInteger(access.expiresAt)).toBe(true);
        } catch (error) {
          expect(error).toMatchObject({ code: "invalid_request" });
        }
      }),
    );
  });
});
