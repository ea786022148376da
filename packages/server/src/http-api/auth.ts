import { createRoute, z } from "@hono/zod-openapi";
import { formatDuration } from "../config/duration.js";
import { toVaultProxyError, VaultProxyError } from "../errors/vault-proxy-error.js";
import { Secret } from "../redaction/secret.js";
import type { TokenRegistry } from "../tokens/token-registry.js";
import { PASSWORD_LIMITS } from "../vault/vault-file-limits.js";
import type { Vault } from "../vault/vault.js";
import type { AuditTrail } from "./audit-trail.js";
import type { AccessRules } from "./authentication.js";
import type { ControlPlaneApp, ControlPlaneParts } from "./control-plane.js";
import {
  ADMIN_ERRORS,
  BODY_ERRORS,
  PASSWORD_ERRORS,
  SAVE_ERRORS,
  TOKEN_ERRORS,
  errorResponses,
} from "./error-schema.js";
import { jsonBody } from "./request-body.js";
import { BEARER_SECURITY, jsonAnswer, jsonRequest } from "./route-documentation.js";
import { idleTimeoutOf } from "./token-lifetime.js";

const passwordText = z
  .string()
  .min(1)
  .max(PASSWORD_LIMITS.maxBytes)
  .refine((text) => text.isWellFormed(), "is not well-formed Unicode")
  .openapi({ format: "password" });
const asSecret = (text: string): Secret => new Secret(text);

const unlockSchema = z
  .strictObject({
    password: passwordText.transform(asSecret),
    idle_timeout: z.string().optional().openapi({
      description: "A duration after whose end the token is refused if nobody used it. Without it, none.",
      example: "15m",
    }),
  })
  .openapi("Unlock");

const adminTokenSchema = z
  .strictObject({
    id: z.string().openapi({ description: "The token: the only time it is shown." }),
    scope: z.literal("admin"),
    created_at: z.iso.datetime(),
    expires_at: z.iso.datetime(),
    idle_timeout: z.string().optional().openapi({ description: "Where one was asked for." }),
  })
  .openapi("AdminToken");

const lockSchema = z
  .strictObject({
    revoke_tokens: z.boolean().default(false).openapi({ description: "Revoke every token before locking." }),
  })
  .openapi("Lock");

const lockedSchema = z.strictObject({ status: z.literal("locked") }).openapi("Locked");

const passwordChangeSchema = z
  .strictObject({
    current: passwordText.transform(asSecret),
    new: passwordText.openapi({ minLength: PASSWORD_LIMITS.minCharacters }).transform(asSecret),
  })
  .openapi("PasswordChange");

const recoveryKeyRequestSchema = z
  .strictObject({ password: passwordText.transform(asSecret) })
  .openapi("RecoveryKeyRequest");

const recoveryKeySchema = z
  .strictObject({
    recovery_key: z.string().openapi({
      description: "36 characters of Crockford's base32 in groups of four. The only time it is shown.",
      example: "XXXX-XXXX-XXXX-XXXX-XXXX-XXXX-XXXX-XXXX-XXXX",
    }),
  })
  .openapi("RecoveryKey");

/** `POST /auth/unlock`, `/auth/lock`, `/auth/password` and `/auth/recovery-key`. */
export function registerAuthRoutes(
  app: ControlPlaneApp,
  parts: ControlPlaneParts,
  access: AccessRules,
  trail: AuditTrail,
): void {
  const { vault, tokens, log, audit } = parts;

  app.openapi(
    createRoute({
      method: "post",
      path: "/auth/unlock",
      operationId: "unlock",
      tags: ["auth"],
      summary: "Unlock the vault, or create it at first use, and get an admin token",
      middleware: [jsonBody],
      request: { body: jsonRequest(unlockSchema) },
      responses: {
        200: jsonAnswer(adminTokenSchema, "A new admin token"),
        ...errorResponses(...TOKEN_ERRORS, ...BODY_ERRORS, ...SAVE_ERRORS, ...PASSWORD_ERRORS),
      },
    }),
    async (c) => {
      const created = !vault.initialized;
      const { password, idle_timeout } = c.req.valid("json");
      // Judged first: what is refused must not have unlocked anything.
      const idleTimeoutMs = idle_timeout === undefined ? undefined : idleTimeoutOf(idle_timeout);
      try {
        await vault.unlock(password, await parts.callerOf(c));
      } catch (thrown) {
        trail.denied(c, "unlock", toVaultProxyError(thrown));
        throw thrown;
      }
      const { id, record, isSaved } = await tokens.issue({
        scope: "admin",
        expiresAt: parts.clock() + parts.tokenTtlMs,
        idleTimeoutMs,
        // On a full disk nobody could make room without it.
        evenUnsaved: true,
      });
      log.info({ token: record.id_prefix }, "admin token issued at unlock");
      if (!isSaved) {
        log.warn(
          { token: record.id_prefix },
          "admin token could not be saved: it ends when the server stops",
        );
      }
      const token = { token: record.id_prefix };
      await audit.recordUnlock({ ...trail.factsOf(c, { status: 200 }), ...token }, { created });
      const { created_at, expires_at } = record;
      const idle = idleTimeoutMs === undefined ? {} : { idle_timeout: formatDuration(idleTimeoutMs) };
      return c.json({ id, scope: "admin" as const, created_at, expires_at, ...idle }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/auth/lock",
      operationId: "lock",
      tags: ["auth"],
      summary: "Lock the vault",
      security: BEARER_SECURITY,
      middleware: access.adminJson,
      request: { body: { ...jsonRequest(lockSchema), description: "May be left out." } },
      responses: {
        200: jsonAnswer(lockedSchema, "The vault is locked"),
        ...errorResponses(...ADMIN_ERRORS, ...BODY_ERRORS, ...SAVE_ERRORS),
      },
    }),
    async (c) => {
      const { revoke_tokens } = c.req.valid("json");
      await parts.beforeLock();
      audit.announceLock(
        trail.factsOf(c, { status: 200 }),
        revoke_tokens ? { revoked_tokens: tokens.list().length } : {},
      );
      if (revoke_tokens) await revokeAllAndLock(tokens, vault);
      else await vault.lock();
      log.info({ by: c.get("token").id_prefix, revoke_tokens }, "vault locked by an admin");
      return c.json({ status: "locked" as const }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/auth/password",
      operationId: "changePassword",
      tags: ["auth"],
      summary: "Change the vault's password",
      security: BEARER_SECURITY,
      middleware: access.adminJson,
      request: { body: jsonRequest(passwordChangeSchema) },
      responses: {
        204: { description: "The new password holds; the old one opens nothing any more" },
        ...errorResponses(...ADMIN_ERRORS, ...BODY_ERRORS, ...SAVE_ERRORS, ...PASSWORD_ERRORS),
      },
    }),
    async (c) => {
      const { current, new: next } = c.req.valid("json");
      await vault.changePassword(current, next, await parts.callerOf(c));
      log.info({ by: c.get("token").id_prefix }, "password changed");
      await audit.renewKey();
      await trail.changed(c, "password.change", { status: 204 });
      return c.body(null, 204);
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/auth/recovery-key",
      operationId: "createRecoveryKey",
      tags: ["auth"],
      summary: "Make a key that opens the vault as its password does, in place of the one before",
      security: BEARER_SECURITY,
      middleware: access.adminJson,
      request: { body: jsonRequest(recoveryKeyRequestSchema) },
      responses: {
        201: jsonAnswer(recoveryKeySchema, "The recovery key"),
        ...errorResponses(...ADMIN_ERRORS, ...BODY_ERRORS, ...SAVE_ERRORS, ...PASSWORD_ERRORS),
      },
    }),
    async (c) => {
      const { password } = c.req.valid("json");
      const recoveryKey = await vault.createRecoveryKey(password, await parts.callerOf(c));
      log.info({ by: c.get("token").id_prefix }, "recovery key made by an admin");
      await trail.changed(c, "recovery_key.create", { status: 201 });
      return c.json({ recovery_key: recoveryKey.reveal() }, 201);
    },
  );
}

/** Locks also where the revocation cannot be saved: who asks for both wants the vault shut first of all. */
async function revokeAllAndLock(tokens: TokenRegistry, vault: Vault): Promise<void> {
  try {
    await tokens.revokeAll(() => vault.lock());
  } catch (thrown) {
    await vault.lock();
    const { code, message } = toVaultProxyError(thrown);
    throw new VaultProxyError(code, `the vault is locked, but its tokens are not revoked: ${message}`, {
      cause: thrown,
    });
  }
}
