import { expect, test } from "vitest";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { SFTP_STATUS, SftpStatusError, sftpFailure } from "./sftp-failure.js";

test.each([
  [SFTP_STATUS.noSuchFile, "not_found", "no such file at the server"],
  [SFTP_STATUS.permissionDenied, "forbidden", "the server does not let its user read this file"],
  [SFTP_STATUS.failure, "upstream_failed", "the server was not able to read this file"],
  [SFTP_STATUS.unsupported, "upstream_failed", "the server's SFTP is not able to do this"],
  [4_000_000_000, "upstream_failed", "the server was not able to read this file"],
])("the status %i of a server is %s", (status, code, message) => {
  expect(sftpFailure(new SftpStatusError(status), "read this file")).toMatchObject({ code, message });
});

test("what is for the caller already stays as it is, and what is not says nothing", () => {
  const own = new VaultProxyError("conflict", "own");
  expect(sftpFailure(own, "x")).toBe(own);
  expect(sftpFailure(new Error("inside"), "x")).toMatchObject({
    code: "internal",
    message: "internal error",
  });
});
