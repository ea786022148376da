import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { describeUpstreamError } from "../network/upstream-errors.js";
import { ProtocolViolation } from "../wire/protocol-violation.js";

/** What the client of a session, and the log, are told of anything that went wrong on the server's side. */
export function sessionFailure(thrown: unknown): VaultProxyError {
  if (thrown instanceof ProtocolViolation)
    return new VaultProxyError("upstream_failed", `the server's part went wrong: ${thrown.message}`, {
      cause: thrown,
    });
  return describeUpstreamError(thrown);
}

/** The server says that the credential is wrong. */
export function loginRefused(): VaultProxyError {
  return new VaultProxyError("upstream_login_failed", "the server refused the stored credential");
}
