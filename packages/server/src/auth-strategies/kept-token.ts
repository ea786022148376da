import { z } from "@hono/zod-openapi";
import type { Secret } from "../redaction/secret.js";
import { secretHeaderValueSchema } from "./header-field.js";
import type { IssuedToken } from "./issued-token.js";

const unixSeconds = z.int().min(0);

/** Fields of a configuration that hold the newest access token. The server writes them; an admin may give the first. */
export const keptTokenFields = {
  access_token: secretHeaderValueSchema.optional(),
  expires_at: unixSeconds.optional().openapi({ description: "Unix seconds." }),
  issued_at: unixSeconds.optional().openapi({ description: "Unix seconds." }),
};

export const KEPT_TOKEN_FIELD_NAMES = ["access_token", "expires_at", "issued_at"] as const;

export interface KeptToken {
  readonly access_token?: Secret | undefined;
  readonly expires_at?: number | undefined;
  readonly issued_at?: number | undefined;
}

/** @returns undefined if there is none, or none of which is known when it ends */
export function storedToken(kept: KeptToken): IssuedToken | undefined {
  const { access_token: accessToken, expires_at: expiresAt, issued_at: issuedAt } = kept;
  if (accessToken === undefined || accessToken.isEmpty || !expiresAt) return undefined;
  return {
    accessToken,
    expiresAt,
    // Of a token from a Go server, or given by an admin, nobody knows: it may be old.
    issuedAt: issuedAt ?? 0,
    hasLifetime: true,
  };
}

export function keptToken(token: IssuedToken): Required<KeptToken> {
  return { access_token: token.accessToken, expires_at: token.expiresAt, issued_at: token.issuedAt };
}
