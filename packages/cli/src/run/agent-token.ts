import type { IssuedToken, PolicyContent, TokenRequest, VaultClient } from "@vault-proxy/client";

import { UsageError, reasonText } from "../failures.js";
import { assertTokenId } from "../issued-token-check.js";

export interface AgentTokenRequest {
  readonly name: string;
  /** A Go duration. */
  readonly ttl: string;
  /** A stored policy by its name, or one of the token's own; every service without it. */
  readonly policy?: string | PolicyContent | undefined;
}

export interface AgentToken extends IssuedToken {
  /** Whether an admin's token made it; else it is a child of the one that did. */
  readonly byAdmin: boolean;
}

/** A new token of scope proxy: of an admin's token any, of a proxy token a child, which may do no more than that. */
export async function issueAgentToken(
  client: VaultClient,
  { name, ttl, policy }: AgentTokenRequest,
): Promise<AgentToken> {
  const request: TokenRequest = { scope: "proxy", name, ttl, policy };
  try {
    return checked(await client.createTokenWithDetails(request), true);
  } catch (error) {
    if (!isForbidden(error)) throw error;
    if (typeof policy === "string") {
      throw new UsageError(
        "--policy needs an admin's token: a proxy token hands on a part of what it may do",
        "say that part with --service, --method, --path and the like",
      );
    }
    return checked(await client.createChildTokenWithDetails({ name, ttl, policy }), false);
  }
}

/** @returns why it could not be given up, if so; one that has ended already is */
export async function giveUpToken(client: VaultClient): Promise<string | undefined> {
  try {
    await client.revokeOwnToken({ timeoutMs: 10_000 });
    return undefined;
  } catch (error) {
    if (error instanceof Error && "status" in error && error.status === 401) return undefined;
    return reasonText(error);
  }
}

function checked(token: IssuedToken, byAdmin: boolean): AgentToken {
  assertTokenId(token);
  return { ...token, byAdmin };
}

function isForbidden(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "forbidden";
}
