import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { STATUS_OF_ERROR_CODE, type ErrorCode } from "../errors/error-codes.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { closeAfterExit, closeAfterFailure } from "./shell-close.js";

describe("the end of a shell's WebSocket", () => {
  test("says with which code the shell has ended, and by which signal", () => {
    expect(closeAfterExit({ exitCode: 3, signal: undefined })).toEqual({
      ...{ code: 1000, reason: '{"exit_code":3}' },
    });
    expect(closeAfterExit({ exitCode: 137, signal: "KILL" }).reason).toBe(
      '{"exit_code":137,"signal":"KILL"}',
    );
    expect(closeAfterExit(undefined)).toEqual({ code: 1000, reason: '{"exit_code":null}' });
  });

  test("leaves out what a server calls a signal and has no room", () => {
    const { reason } = closeAfterExit({ exitCode: 128, signal: "é".repeat(100) });
    expect(reason).toBe('{"exit_code":128}');
  });

  test.each<[ErrorCode, number]>([
    ["vault_locked", 1008],
    ["unauthorized", 1008],
    ["token_suspended", 1008],
    ["not_found", 1008],
    ["forbidden", 1008],
    ["unavailable", 1001],
    ["upstream_failed", 1011],
    ["internal", 1011],
  ])("for %s has the code %i and the error's sentence", (code, close) => {
    expect(closeAfterFailure(new VaultProxyError(code, "why"))).toEqual({ code: close, reason: "why" });
  });

  test("has a reason of whole characters that fits into a close frame, whatever the error says", () => {
    const codes = Object.keys(STATUS_OF_ERROR_CODE) as ErrorCode[];
    const sentence = fc.string({ unit: "binary", maxLength: 300 });
    fc.assert(
      fc.property(fc.constantFrom(...codes), sentence, (code, text) => {
        const { reason } = closeAfterFailure(new VaultProxyError(code, text));
        expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123);
        expect(text.startsWith(reason)).toBe(true);
        expect(Buffer.byteLength(text.slice(0, reason.length + 2))).toBeGreaterThan(
          reason === text ? -1 : 123,
        );
      }),
    );
  });
});
