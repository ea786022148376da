import { VaultError } from "@vault-proxy/client";
import { expect, test } from "vitest";

import { CliError, UsageError, describeFailure } from "./failures.js";

const CIRCUMSTANCES = { bin: "vault", tokenFromEnvironment: false };

test.each([
  [new VaultError(423, "vault_locked", "the vault is locked"), "vault is locked", "run `vault unlock`"],
  [
    new VaultError(401, "unauthorized", "a vault token is required"),
    "there is no session",
    "run `vault unlock`, or set VAULT_TOKEN",
  ],
  [new VaultError(401, "unauthorized", "bad token"), "bad token", "run `vault unlock`, or set VAULT_TOKEN"],
  [
    new VaultError(0, "connection_failed", "cannot reach it", {
      cause: Object.assign(new Error(), { code: "ECONNREFUSED" }),
    }),
    "cannot reach it",
    "start one here with `vault up`, or see that VAULT_ADDR is right",
  ],
  [
    new VaultError(0, "connection_failed", "cannot reach it", {
      cause: Object.assign(new Error(), { code: "DEPTH_ZERO_SELF_SIGNED_CERT" }),
    }),
    "cannot reach it",
    "name its CA's certificate in NODE_EXTRA_CA_CERTS",
  ],
  [new VaultError(404, "not_found", "no such service"), "no such service", undefined],
  [new VaultError(400, "invalid_request", "name: too long"), "name: too long", undefined],
  [
    new VaultError(400, "invalid_request", "auth.redis_host: address not allowed: ::1"),
    "auth.redis_host: address not allowed: ::1",
    "--allow-private allows private addresses and this machine's own",
  ],
  [
    new VaultError(400, "invalid_request", "base_url: must be https; plain http needs allow_private"),
    "base_url: must be https; plain http needs allow_private",
    "--allow-private allows it",
  ],
  [
    new VaultError(
      413,
      "body_too_large",
      "the request body is larger than the service's max_request_bytes (9)",
    ),
    "the request body is larger than the service's max_request_bytes (9)",
    "`vault service update NAME --max-request-bytes 100MB` raises it",
  ],
  [new VaultError(413, "body_too_large", "the file is too large"), "the file is too large", undefined],
  [new VaultError(403, "forbidden", "needs scope admin"), "needs scope admin", undefined],
  [
    new VaultError(403, "token_suspended", "this token is suspended"),
    "this token is suspended",
    "it sent secrets of other services, or guessed at one; an admin looks into that, then runs `vault token resume`",
  ],
  [
    new VaultError(409, "secret_in_request", "the request holds a secret of another service"),
    "the request holds a secret of another service",
    "leave it out, the vault adds the right credential itself; the third time suspends a proxy token",
  ],
  [
    new VaultError(0, "insecure_address", "for programmers"),
    "refused to send a credential over plain http to a host other than loopback",
    "use https or a unix socket, or pass --allow-insecure",
  ],
  [new CliError("cannot read x", "try y"), "cannot read x", "try y"],
])("%s", (error, message, hint) => {
  expect(describeFailure(error, CIRCUMSTANCES)).toMatchObject({ message, hint, exitCode: 1 });
});

test("wrong usage is exit code 2, everything unforeseen 1", () => {
  expect(describeFailure(new UsageError("no"), CIRCUMSTANCES).exitCode).toBe(2);
  expect(describeFailure(new TypeError("x is not a function"), CIRCUMSTANCES)).toMatchObject({
    exitCode: 1,
    code: "internal",
    message: "internal error: TypeError: x is not a function",
  });
});

test("an address that names no vault is wrong usage, and one that is never allowed has no flag that allows it", () => {
  const address = new VaultError(0, "invalid_address", "the vault's address must begin with http://");
  expect(describeFailure(address, CIRCUMSTANCES)).toMatchObject({
    exitCode: 2,
    hint: expect.stringContaining("VAULT_ADDR") as string,
  });
  const words = "base_url: address not allowed: 169.254.1.1 (link-local and metadata addresses never are)";
  const never = new VaultError(400, "invalid_request", words);
  expect(describeFailure(never, CIRCUMSTANCES).hint).toBeUndefined();
});

test("what is wrong with the token of VAULT_TOKEN is not mended by an unlock alone", () => {
  const circumstances = { bin: "vault", tokenFromEnvironment: true };
  const hintOf = (message: string): string | undefined =>
    describeFailure(new VaultError(401, "unauthorized", message), circumstances).hint;
  expect(hintOf("this token is unknown or has expired")).toBe(
    "get another token for VAULT_TOKEN, or unset it and run `vault unlock`",
  );
  const quoted = new VaultError(0, "invalid_request", "the token holds a character that no token has");
  expect(describeFailure(quoted, circumstances).hint).toContain("set VAULT_TOKEN to the token alone");
  expect(describeFailure(quoted, CIRCUMSTANCES).hint).toBeUndefined();
});

test("a token of VAULT_TOKEN without the scope is told apart from a session", () => {
  const circumstances = { bin: "vault", tokenFromEnvironment: true };
  const refused = new VaultError(403, "forbidden", "this needs a token of scope admin");
  expect(describeFailure(refused, circumstances).hint).toBe(
    "VAULT_TOKEN is set and is not an admin token: unset it to use your session",
  );
  const other = new VaultError(403, "forbidden", "this Host is not served here");
  expect(describeFailure(other, circumstances).hint).toBeUndefined();
});
