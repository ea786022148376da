import { z } from "@hono/zod-openapi";
import { VaultProxyError } from "../../errors/vault-proxy-error.js";
import { Secret } from "../../redaction/secret.js";
import type { AuthStrategy } from "../auth-strategy.js";

const MAX_HOST_LENGTH = 255;
const MAX_USER_LENGTH = 512;
const MAX_PASSWORD_LENGTH = 4096;

export const hostSchema = z
  .string()
  .min(1)
  .max(MAX_HOST_LENGTH)
  .regex(/^[A-Za-z0-9._:[\]-]+$/, "must be a host name or an address, without a scheme and a port");

export const portSchema = z.number().int().min(1).max(65_535);

export const userSchema = z
  .string()
  .min(1)
  .max(MAX_USER_LENGTH)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, "must not hold control characters");

/** None of the protocols can carry a NUL in it (RFC 4616 §2, RFC 9051 §4.3, PostgreSQL's PasswordMessage). */
export const passwordSchema = z
  .string()
  .min(1)
  .max(MAX_PASSWORD_LENGTH)
  .refine((text) => text.isWellFormed() && !text.includes("\0"), "must not hold a NUL or half a character")
  .transform((value) => new Secret(value));

/** Name of the service whose access token logs in. */
export const oauthServiceSchema = z.string().min(1).max(128);

/** With `xoauth2` and `oauthbearer` the log-in takes the access token of another service in the password's place. */
export interface PasswordOrToken {
  readonly password: Secret | undefined;
  readonly oauthService: string | undefined;
  readonly takesToken: boolean;
}

/** @throws VaultProxyError `invalid_request` naming the field that is missing or too much. */
export function checkPasswordOrToken(protocol: "imap" | "smtp", given: PasswordOrToken): void {
  const { password, oauthService, takesToken } = given;
  const wrong = (field: string, rule: string): VaultProxyError =>
    new VaultProxyError("invalid_request", `auth.${field}: ${rule}`);
  const mechanism = `with this ${protocol}_auth`;
  if (takesToken && oauthService === undefined) throw wrong("oauth_service", `is required ${mechanism}`);
  if (takesToken && password !== undefined) throw wrong(`${protocol}_password`, `is not used ${mechanism}`);
  if (!takesToken && oauthService !== undefined) throw wrong("oauth_service", `is not used ${mechanism}`);
  if (!takesToken && password === undefined) throw wrong(`${protocol}_password`, `is required ${mechanism}`);
}

/** What calls by HTTP get of a service that sessions are for. */
export function refuseHttp(protocol: string): AuthStrategy<{ readonly type: string }>["createInjector"] {
  return function createInjector() {
    throw new VaultProxyError(
      "invalid_request",
      `this service is of type ${protocol}: open a session with POST /${protocol}/{service}/session`,
    );
  };
}
