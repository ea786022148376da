import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseTokenAnswer } from "./token-answer.js";
import { TokenEndpointError } from "./token-endpoint-error.js";

const NOW = 1_800_000_000;
const HOUR = 3600;

function parse(body: unknown, status = 200, headers: Record<string, string> = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return parseTokenAnswer(
    { status, headers: new Map(Object.entries(headers)), body: Buffer.from(text) },
    NOW,
  );
}

function refusal(...args: Parameters<typeof parse>): TokenEndpointError {
  try {
    parse(...args);
  } catch (error) {
    if (error instanceof TokenEndpointError) return error;
    throw error;
  }
  throw new Error("accepted");
}

describe("how long a token lives", () => {
  test.each([
    ["a number", { expires_in: 7200 }, 7200],
    ["a string", { expires_in: "7200" }, 7200],
    ["a fraction", { expires_in: 59.9 }, 59],
    ["nothing", {}, undefined],
    ["null", { expires_in: null }, undefined],
    ["zero, which Mailchimp says of tokens that never expire", { expires_in: 0 }, undefined],
    ["a negative number", { expires_in: -5 }, undefined],
    ["words", { expires_in: "soon" }, undefined],
    ["a string with a thousands separator", { expires_in: "1,000" }, undefined],
    ["a string with a unit", { expires_in: "60 minutes" }, undefined],
    ["a string with a fraction", { expires_in: "59.9" }, undefined],
    ["an empty string", { expires_in: "" }, undefined],
    ["a string that is no number, and a date", { expires_in: "1,000", expires_at: NOW + 60 }, 60],
    ["a list", { expires_in: [1] }, undefined],
    ["more than ten years", { expires_in: 1e300 }, 10 * 365 * 86_400],
    [
      "a date, as Square does",
      { expires_at: "2027-01-15T09:00:00Z" },
      Date.parse("2027-01-15T09:00:00Z") / 1000 - NOW,
    ],
    ["unix seconds", { expires_at: NOW + 60 }, 60],
    ["unix seconds in a string", { expires_at: String(NOW + 60) }, 60],
    ["unix milliseconds", { expires_at: (NOW + 60) * 1000 }, 60],
    ["unix milliseconds in a string", { expires_at: String((NOW + 60) * 1000) }, 60],
    ["a date that is over", { expires_at: "2001-01-01T00:00:00Z" }, undefined],
  ])("%s", (_, fields, lifetime) => {
    const token = parse({ access_token: "at", token_type: "Bearer", ...fields });
    expect(token.expiresAt - NOW).toBe(lifetime ?? HOUR);
    expect(token.hasLifetime).toBe(lifetime !== undefined);
    expect(token.issuedAt).toBe(NOW);
  });
});

describe("a token is found", () => {
  test.each([
    ["in JSON, whatever its type is called", { access_token: "at" }, "text/html"],
    [
      "in a form, where the type says so",
      "access_token=at&token_type=bearer",
      "application/x-www-form-urlencoded; charset=utf-8",
    ],
    ["in JSON behind a byte order mark", '\uFEFF{"access_token": "at"}', "application/json"],
    ["where Slack puts a user's", { ok: true, authed_user: { access_token: "at" } }, "application/json"],
    ["with a type of its own", { access_token: "at", token_type: "bot" }, "application/json"],
    ["with a type that is none", { access_token: "at", token_type: 7 }, "application/json"],
  ])("%s", (_, body, type) => {
    expect(parse(body, 200, { "content-type": type }).accessToken.reveal()).toBe("at");
  });

  test("with the refresh token, if there is one", () => {
    expect(parse({ access_token: "at", refresh_token: "rt" }).refreshToken?.reveal()).toBe("rt");
    expect(parse({ access_token: "at", refresh_token: "" }).refreshToken).toBeUndefined();
    expect(parse({ access_token: "at", refresh_token: null }).refreshToken).toBeUndefined();
  });
});

describe("no token", () => {
  test.each([
    ["HTML", "<html>"],
    ["nothing at all", ""],
    ["JSON that is no object", "[]"],
    ["a form that is not called one", "access_token=at"],
    ["an empty token", { access_token: "" }],
    ["a token that could split a header", { access_token: "a\r\nX: y" }],
    ["a token that is no string", { access_token: 7 }],
    ["a token of another scheme", { access_token: "at", token_type: "DPoP" }],
  ])("%s, which is not asked for again", (_, body) => {
    const error = refusal(body);
    expect(error.code).toBe("oauth2_refresh_failed");
    expect(error.isTemporary).toBe(false);
    expect(error.refreshToken).toBeUndefined();
  });

  test.each([
    ["without an access token", { refresh_token: "rt-new" }],
    ["with one that cannot be sent", { access_token: "a\u00e9", refresh_token: "rt-new" }],
    ["with one of another scheme", { access_token: "at", token_type: "DPoP", refresh_token: "rt-new" }],
    ["where Slack puts a user's", { ok: true, authed_user: { access_token: 7, refresh_token: "rt-new" } }],
  ])("but a refresh token, which is not lost: %s", (_, body) => {
    const error = refusal(body);
    expect(error.refreshToken?.reveal()).toBe("rt-new");
    expect(error.isTemporary).toBe(false);
    expect(inspect(error, { depth: 9 })).not.toContain("rt-new");
  });

  test("an error that repeats a refresh token does not give one", () => {
    expect(refusal({ error: "invalid_grant", refresh_token: "rt" }, 400).refreshToken).toBeUndefined();
    expect(refusal({ refresh_token: "rt" }, 500).refreshToken).toBeUndefined();
  });

  test.each([
    [400, { error: "invalid_grant" }, "oauth2_reauthorization_required", false],
    [200, { error: "bad_refresh_token" }, "oauth2_reauthorization_required", false],
    [200, { ok: false, error: "invalid_refresh_token" }, "oauth2_reauthorization_required", false],
    [401, { error: "invalid_client" }, "oauth2_refresh_failed", false],
    [503, { error: "temporarily_unavailable" }, "oauth2_refresh_failed", true],
    [400, { error: "server_error" }, "oauth2_refresh_failed", true],
    [429, { error: "slow" }, "oauth2_refresh_failed", true],
    [302, {}, "oauth2_refresh_failed", false],
    [404, "gone", "oauth2_refresh_failed", false],
    [408, "", "oauth2_refresh_failed", true],
    [500, "", "oauth2_refresh_failed", true],
  ])("status %i, %j", (status, body, code, isTemporary) => {
    const error = refusal(body, status);
    expect(error.code).toBe(code);
    expect(error.isTemporary).toBe(isTemporary);
  });

  test.each([
    ["7", 7_000],
    ["100000", 300_000],
    ["-1", undefined],
    ["1e3", undefined],
    ["0x10", undefined],
    ["soon 9", undefined],
    ["Fri, 15 Jan 2027 08:00:42 GMT", 42_000],
    ["Friday, 15-Jan-27 08:00:42 GMT", 42_000],
    ["Fri Jan 15 08:00:42 2027", 42_000],
    ["Wed, 21 Oct 2099 07:28:00 GMT", 300_000],
    ["Wed, 21 Oct 2026 07:28:00 GMT", undefined],
  ])("Retry-After: %s", (value, expected) => {
    expect(refusal({}, 503, { "retry-after": value }).retryAfterMs).toBe(expected);
    expect(refusal({ error: "x" }, 429, { "retry-after": value }).retryAfterMs).toBe(expected);
  });

  test("an unknown error code is not repeated, for it may be any text", () => {
    const error = refusal({ error: "sk_live_leaked", error_description: "sk_live_leaked" }, 400);
    expect(error.providerError).toBeUndefined();
    expect(error.message).not.toContain("sk_live");
    expect(refusal({ error: "invalid_scope" }, 400).message).toContain("invalid_scope");
  });
});

test("no answer whatever makes anything but a token or an error without its text", () => {
  const status = fc.oneof(fc.constant(200), fc.integer({ min: 100, max: 599 }));
  const body = fc.oneof(
    fc.json(),
    fc.string(),
    fc.string().map((text) => `access_token=${text}`),
  );
  fc.assert(
    fc.property(status, body, fc.string(), (code, text, type) => {
      try {
        const token = parse(text, code, { "content-type": type });
        expect(token.expiresAt).toBeGreaterThan(NOW);
        expect(Number.isSafeInteger(token.expiresAt)).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(TokenEndpointError);
      }
    }),
  );
});
