import { VaultError } from "@vault-proxy/client";
import { expect, test } from "vitest";

import { CliError, UsageError, describeFailure } from "./failures.js";

test.each([
  [new VaultError(423, "vault_locked", "the vault is locked"), "vault is locked", "run `vault unlock`"],
  [new VaultError(401, "unauthorized", "bad token"), "bad token", "run `vault unlock`, or set VAULT_TOKEN"],
  [
    new VaultError(0, "connection_failed", "cannot reach it", {
      cause: Object.assign(new Error(), { code: "ECONNREFUSED" }),
    }),
    "cannot reach it",
    "start it with `vault-server`",
  ],
  [
    new VaultError(0, "connection_failed", "cannot reach it", {
      cause: Object.assign(new Error(), { code: "DEPTH_ZERO_SELF_SIGNED_CERT" }),
    }),
    "cannot reach it",
    "name its CA's certificate in NODE_EXTRA_CA_CERTS",
  ],
  [new VaultError(404, "not_found", "no such service"), "no such service", undefined],
  [new CliError("cannot read x", "try y"), "cannot read x", "try y"],
])("%s", (error, message, hint) => {
  expect(describeFailure(error, "vault")).toMatchObject({ message, hint, exitCode: 1 });
});

test("wrong usage is exit code 2, everything unforeseen 1", () => {
  expect(describeFailure(new UsageError("no"), "vault").exitCode).toBe(2);
  expect(describeFailure(new TypeError("x is not a function"), "vault")).toMatchObject({
    exitCode: 1,
    code: "internal",
    message: "internal error: TypeError: x is not a function",
  });
});
