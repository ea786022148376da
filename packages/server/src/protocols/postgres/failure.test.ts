import { describe, expect, test } from "vitest";
import { VaultProxyError } from "../../errors/vault-proxy-error.js";
import { PostgresFailure, serverRefusal, sqlStateOf } from "./failure.js";

describe("a refusal of the server", () => {
  test.each(["28P01", "28000"])("with %s means that the stored credential is wrong", (sqlState) => {
    const refusal = serverRefusal(sqlState);
    expect(refusal.code).toBe("upstream_login_failed");
    expect(sqlStateOf(refusal)).toBe("28000");
  });

  test.each([
    ["3D000", /database does not exist/],
    ["53300", /too many connections/],
    ["57P03", /starting up/],
    ["22023", /start-up parameter/],
  ])("with %s is told with that SQLSTATE", (sqlState, sentence) => {
    const refusal = serverRefusal(sqlState);
    expect(refusal.message).toMatch(sentence);
    expect(refusal.code).toBe("upstream_failed");
    expect(sqlStateOf(refusal)).toBe(sqlState);
  });

  test.each([undefined, "", "PASSW", "28P01; my password"])(
    "with %j, which is not known, is told without it",
    (sqlState) => {
      const refusal = serverRefusal(sqlState);
      expect(refusal.message).toBe("the server refused the connection");
      expect(sqlStateOf(refusal)).toBe("08001");
    },
  );
});

test("other failures are about the connection or the credential", () => {
  expect(sqlStateOf(new VaultProxyError("upstream_timeout", "x"))).toBe("08001");
  expect(sqlStateOf(new VaultProxyError("upstream_login_failed", "x"))).toBe("28000");
  expect(sqlStateOf(new PostgresFailure("conflict", "53300", "x"))).toBe("53300");
});
