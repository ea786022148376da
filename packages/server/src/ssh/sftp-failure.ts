import { VaultProxyError } from "../errors/vault-proxy-error.js";

/** draft-ietf-secsh-filexfer-02 §7 */
export const SFTP_STATUS = {
  eof: 1,
  noSuchFile: 2,
  permissionDenied: 3,
  failure: 4,
  unsupported: 8,
} as const;

/** A server answered a request with a status that is not OK. It stays inside: see `sftpFailure`. */
export class SftpStatusError extends Error {
  override readonly name = "SftpStatusError";
  readonly status: number;

  constructor(status: number) {
    super(`SFTP status ${status}`);
    this.status = status;
  }
}

/**
 * What a caller is told. Nothing of the server's text, which may hold anything.
 * @param task what was not done, such as `read this file`
 */
export function sftpFailure(thrown: unknown, task: string): VaultProxyError {
  if (thrown instanceof VaultProxyError) return thrown;
  if (!(thrown instanceof SftpStatusError))
    return new VaultProxyError("internal", "internal error", { cause: thrown });
  const options = { cause: thrown };
  switch (thrown.status) {
    case SFTP_STATUS.noSuchFile:
      return new VaultProxyError("not_found", "no such file at the server", options);
    case SFTP_STATUS.permissionDenied:
      return new VaultProxyError("forbidden", `the server does not let its user ${task}`, options);
    case SFTP_STATUS.unsupported:
      return new VaultProxyError("upstream_failed", "the server's SFTP is not able to do this", options);
    default:
      return new VaultProxyError("upstream_failed", `the server was not able to ${task}`, options);
  }
}
