import { errors } from "undici";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { describeUpstreamError } from "./upstream-errors.js";

const SECRET = "sk-live-0123456789";
const withCode = (code: string, options?: ErrorOptions): Error =>
  Object.assign(new Error(SECRET, options), { code });

describe("describeUpstreamError", () => {
  test.each([
    ["ECONNREFUSED", "upstream_failed", "the upstream refused the connection"],
    ["ENOTFOUND", "upstream_failed", "the upstream's name cannot be resolved"],
    ["EAI_AGAIN", "upstream_failed", "the upstream's name cannot be resolved at the moment"],
    ["EAI_SYSTEM", "upstream_failed", "the upstream's name cannot be resolved"],
    ["ECONNRESET", "upstream_failed", "the upstream closed the connection before its answer was complete"],
    ["EHOSTUNREACH", "upstream_failed", "the upstream's network cannot be reached"],
    ["EMFILE", "upstream_failed", "the vault has no resources left for another connection"],
    ["HPE_INVALID_CONSTANT", "upstream_failed", "the upstream's answer is not valid HTTP"],
    ["CERT_HAS_EXPIRED", "upstream_failed", "the upstream's certificate has expired"],
    ["CERT_SIGNATURE_FAILURE", "upstream_failed", "the upstream's certificate is not valid"],
    [
      "DEPTH_ZERO_SELF_SIGNED_CERT",
      "upstream_failed",
      "the upstream's certificate is not signed by a trusted authority",
    ],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "upstream_failed", "the upstream's certificate is for another name"],
    ["ERR_SSL_WRONG_VERSION_NUMBER", "upstream_failed", "no TLS connection to the upstream could be made"],
    ["ETIMEDOUT", "upstream_timeout", "the upstream did not accept the connection in time"],
  ])("says of %s: %s, %j", (code, expected, message) => {
    expect(describeUpstreamError(withCode(code))).toMatchObject({ code: expected, message });
  });

  test.each([
    [
      new errors.ConnectTimeoutError(),
      "upstream_timeout",
      "the upstream did not accept the connection in time",
    ],
    [new errors.HeadersTimeoutError(), "upstream_timeout", "the upstream did not answer in time"],
    [new errors.BodyTimeoutError(), "upstream_timeout", "the upstream stopped sending"],
    [new errors.HeadersOverflowError(), "upstream_failed", "the upstream's answer has too large a header"],
    [
      new errors.SocketError(SECRET),
      "upstream_failed",
      "the upstream closed the connection before its answer was complete",
    ],
    [withCode("HPE_INVALID_HEADER_TOKEN"), "upstream_failed", "the upstream's answer is not valid HTTP"],
    [
      new errors.ResponseContentLengthMismatchError(),
      "upstream_failed",
      "the upstream closed the connection before its answer was complete",
    ],
    [new errors.ClientDestroyedError(), "upstream_failed", "the connection to the upstream is being closed"],
  ])("knows undici's %o", (error, code, message) => {
    expect(describeUpstreamError(error)).toMatchObject({ code, message });
  });

  test("passes a refusal of our own through, also as a cause", () => {
    const own = new VaultProxyError("destination_blocked", "address not allowed: x");
    expect(describeUpstreamError(own)).toBe(own);
    expect(describeUpstreamError(new Error("wrapped", { cause: own }))).toBe(own);
    expect(describeUpstreamError(new AggregateError([own]))).toBe(own);
  });

  test("looks into causes and aggregates, but not for ever", () => {
    expect(
      describeUpstreamError(new TypeError("fetch failed", { cause: withCode("ECONNREFUSED") })).message,
    ).toBe("the upstream refused the connection");
    expect(describeUpstreamError(new AggregateError([withCode("ENETUNREACH")])).message).toBe(
      "the upstream's network cannot be reached",
    );
    const circular = new Error(SECRET);
    circular.cause = circular;
    expect(describeUpstreamError(circular).code).toBe("upstream_failed");
  });

  test("never repeats the text of the error, and keeps it inside as the cause", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string().map(withCode), fc.anything()), (thrown) => {
        const described = describeUpstreamError(thrown);
        expect(["upstream_failed", "upstream_timeout"]).toContain(described.code);
        expect(described.message).not.toContain(SECRET);
        if (thrown !== undefined) expect(described.cause).toBe(thrown);
      }),
    );
  });
});
