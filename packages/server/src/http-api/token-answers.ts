import { z } from "@hono/zod-openapi";
import { formatDuration } from "../config/duration.js";
import { policyContentSchema, type PolicyContent } from "../policies/policy-schema.js";
import type { TokenRecord } from "../tokens/token-record.js";
import type { ListedToken } from "../tokens/token-registry.js";
import { tokenScopeSchema } from "./token-request.js";

const policyField = z.union([z.string(), policyContentSchema]).optional().openapi({
  description: "The name of a stored policy, or the token's own. Without it, every service.",
});

export const issuedTokenSchema = z
  .strictObject({
    id: z.string().openapi({ description: "The token: the only time it is shown." }),
    scope: tokenScopeSchema,
    name: z.string().optional(),
    created_at: z.iso.datetime(),
    expires_at: z.iso.datetime(),
    policy: policyField,
  })
  .openapi("IssuedToken");

export const listedTokenSchema = z
  .strictObject({
    id_prefix: z.string().openapi({ example: "tok_AbCdEfGh..." }),
    scope: tokenScopeSchema,
    name: z.string().optional(),
    created_at: z.iso.datetime(),
    expires_at: z.iso.datetime(),
    policy: policyField,
    parent: z.string().optional().openapi({
      description: "Of the token that made this one: its policy holds for this one too.",
      example: "tok_AbCdEfGh...",
    }),
    idle_timeout: z.string().optional().openapi({
      description: "How long it may be left unused, for a token of an unlock that asked for it.",
      example: "15m",
    }),
    last_used_at: z.iso.datetime().optional().openapi({ description: "Since the server started." }),
    suspended_at: z.iso.datetime().optional().openapi({
      description:
        "The token is refused since then: it sent other services' secrets. See `/tokens/{id}/resume`.",
    }),
  })
  .openapi("TokenInfo");

export function issuedTokenOf(id: string, record: TokenRecord): z.output<typeof issuedTokenSchema> {
  const { scope, name, created_at, expires_at } = record;
  return {
    ...{ id, scope, created_at, expires_at },
    ...(name === undefined ? {} : { name }),
    ...policyOf(record),
  };
}

/** @param all the listed tokens, which parents are looked up in */
export function createTokenLister(
  all: readonly ListedToken[],
): (token: ListedToken) => z.output<typeof listedTokenSchema> {
  const prefixes = new Map(all.map(({ digest, id_prefix }) => [digest, `${id_prefix}...`]));
  return (token) => {
    const { digest: _digest, id_prefix, policy: _policy, rules: _rules, parent, ...rest } = token;
    const { idle_timeout_ms, ...shown } = rest;
    const prefix = parent === undefined ? undefined : prefixes.get(parent);
    return {
      ...{ id_prefix: `${id_prefix}...`, ...shown },
      ...policyOf(token),
      ...(prefix === undefined ? {} : { parent: prefix }),
      ...(idle_timeout_ms === undefined ? {} : { idle_timeout: formatDuration(idle_timeout_ms) }),
    };
  };
}

function policyOf({ policy, rules }: TokenRecord): { policy?: string | PolicyContent } {
  // It was validated when the token was made.
  const shown = rules === undefined ? policy : (rules as PolicyContent);
  return shown === undefined ? {} : { policy: shown };
}
