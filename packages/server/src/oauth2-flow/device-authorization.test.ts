import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { parseDeviceAuthorization } from "./device-authorization.js";

const DEVICE_CODE = "a-device-code-that-is-secret";
const ANSWER = {
  device_code: DEVICE_CODE,
  user_code: "WDJB-MJHT",
  verification_uri: "https://example.com/device",
  verification_uri_complete: "https://example.com/device?user_code=WDJB-MJHT",
  expires_in: 900,
  interval: 7,
};

const parse = (fields: unknown, status = 200) =>
  parseDeviceAuthorization({ status, headers: new Map(), body: Buffer.from(JSON.stringify(fields)) });

function refusalOf(fields: unknown, status = 200): { code: string; message: string } {
  try {
    parse(fields, status);
  } catch (error) {
    if (error instanceof VaultProxyError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error("it was taken");
}

describe("the answer to a device authorization request", () => {
  test("is read, and its device code kept from print", () => {
    const device = parse(ANSWER);
    expect(device).toMatchObject({
      userCode: "WDJB-MJHT",
      verificationUri: "https://example.com/device",
      verificationUriComplete: "https://example.com/device?user_code=WDJB-MJHT",
      lifetimeMs: 900_000,
      intervalMs: 7_000,
    });
    expect(device.deviceCode.reveal()).toBe(DEVICE_CODE);
    expect(JSON.stringify(device)).not.toContain(DEVICE_CODE);
  });

  test("may begin with a byte order mark", () => {
    const body = Buffer.from(`\uFEFF${JSON.stringify(ANSWER)}`);
    expect(parseDeviceAuthorization({ status: 200, headers: new Map(), body }).userCode).toBe("WDJB-MJHT");
  });

  test("may have Google's older name, and no interval", () => {
    const { verification_uri, interval: _, ...rest } = ANSWER;
    expect(parse({ ...rest, verification_url: verification_uri })).toMatchObject({
      verificationUri: "https://example.com/device",
      intervalMs: 5_000,
    });
  });

  test.each([
    ["5", 5_000],
    [0, 5_000],
    [-3, 5_000],
    ["soon", 5_000],
    [null, 5_000],
    [0.01, 1_000],
    [120, 120_000],
    [301, 300_000],
    [1e10, 300_000],
    [1e308, 300_000],
    ["99999999999999999999", 300_000],
    ["1e300", 5_000],
    ["1,000", 5_000],
  ])("with the interval %j means %d ms", (interval, intervalMs) => {
    expect(parse({ ...ANSWER, interval }).intervalMs).toBe(intervalMs);
  });

  test.each([
    [undefined, 1_800_000],
    [1e12, 1_800_000],
    [-1, 1_800_000],
    ["600", 600_000],
    ["1,000", 1_800_000],
    [60, 60_000],
  ])("with the lifetime %j is good for %d ms", (expires_in, lifetimeMs) => {
    expect(parse({ ...ANSWER, expires_in }).lifetimeMs).toBe(lifetimeMs);
  });

  test.each([
    "http://example.com/device",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "https://login.example.com@evil.example/",
    "https://example.com/\u001b[2Jx",
    "https://example.com/a b",
    "https://exаmple.com/",
    "not a url",
    "",
  ])("does not show a person %j", (verification_uri) => {
    expect(refusalOf({ ...ANSWER, verification_uri }).message).toMatch(/names no page/);
    const shown = parse({ ...ANSWER, verification_uri_complete: verification_uri });
    expect(shown.verificationUriComplete).toBeUndefined();
  });

  test.each(["http://localhost:3000/device", "http://127.0.0.1/device"])("may lead to %s", (uri) => {
    expect(parse({ ...ANSWER, verification_uri: uri }).verificationUri).toBe(uri);
  });

  test.each<[unknown, number, string, RegExp]>([
    [{ ...ANSWER, user_code: "\u001b]0;x\u0007" }, 200, "upstream_failed", /cannot be used/],
    [{ ...ANSWER, user_code: "x".repeat(65) }, 200, "upstream_failed", /cannot be used/],
    [{ ...ANSWER, device_code: undefined }, 200, "upstream_failed", /cannot be used/],
    ["<html>", 200, "upstream_failed", /cannot be used/],
    [ANSWER, 302, "upstream_failed", /with status 302/],
    [{ error: "invalid_client" }, 401, "oauth2_refresh_failed", /invalid_client$/],
    [{ error: `x ${DEVICE_CODE}` }, 400, "oauth2_refresh_failed", /refused/],
    [{ ...ANSWER, error: "device_flow_disabled" }, 200, "oauth2_refresh_failed", /refused/],
  ])("%j with status %d is refused", (fields, status, code, message) => {
    const refusal = refusalOf(fields, status);
    expect(refusal.code).toBe(code);
    expect(refusal.message).toMatch(message);
    expect(refusal.message).not.toContain(DEVICE_CODE);
  });

  test("is read or refused, whatever it holds", () => {
    const value = fc.oneof(fc.string(), fc.webUrl(), fc.double(), fc.jsonValue());
    const fields = fc.record(Object.fromEntries(Object.keys(ANSWER).map((name) => [name, value])), {
      requiredKeys: [],
    });
    fc.assert(
      fc.property(fc.oneof(fields, fc.jsonValue()), (answer) => {
        try {
          const { intervalMs, lifetimeMs, verificationUri } = parse(answer);
          expect(intervalMs).toBeGreaterThanOrEqual(1_000);
          expect(intervalMs).toBeLessThanOrEqual(300_000);
          expect(lifetimeMs).toBeLessThanOrEqual(1_800_000);
          expect(verificationUri).toMatch(/^https?:\/\//i);
        } catch (error) {
          expect(error).toBeInstanceOf(VaultProxyError);
        }
      }),
    );
  });
});
