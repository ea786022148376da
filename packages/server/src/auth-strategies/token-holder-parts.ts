import type { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { Secret } from "../redaction/secret.js";
import type { IssuingTools, Renewal } from "./auth-strategy.js";
import type { SpentRefreshTokens } from "./spent-refresh-tokens.js";
import type { AuthConfig, ServiceRecord } from "./service-definition.js";

/** What the holder of one service's access token works with. */
export interface TokenHolderParts {
  readonly renewal: Renewal<AuthConfig>;
  readonly tools: IssuingTools;
  /**
   * Replaces the service's record by what `update` makes of the stored one; `update` gives undefined to leave it.
   * Resolves to whether it was replaced, when that is on disk.
   */
  readonly save: (update: (stored: ServiceRecord) => ServiceRecord | undefined) => Promise<boolean>;
  /** What the holder of the same service before this one leaves behind, when it has ended. */
  readonly predecessor?: Promise<Inheritance | undefined> | undefined;
  /** Runs a refresh of the server's own accord when its turn comes. */
  readonly queue: (task: () => Promise<void>) => Promise<void>;
  /** 0 to 1. */
  readonly random: () => number;
  readonly events: TokenEvents;
}

/** The newest refresh token of a client, and those that are of no use any more. */
export interface Inheritance {
  readonly spent: SpentRefreshTokens;
  readonly clientId: unknown;
  readonly refreshToken: Secret;
}

/** What is worth telling. Nothing in it is secret. */
export interface TokenEvents {
  refreshed(service: string, how: "for a call" | "ahead of time"): void;
  refreshFailed(service: string, error: VaultProxyError, how: "for a call" | "ahead of time"): void;
  /** The provider replaced the refresh token, and the new one could not be saved: it is in memory only. */
  unsaved(service: string, error: unknown): void;
  savedAtLast(service: string): void;
}
