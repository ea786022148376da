import type { Secret } from "../redaction/secret.js";

/** An access token as a provider gave it. Times are unix seconds. */
export interface IssuedToken {
  readonly accessToken: Secret;
  /** Present if the provider gave one with it: it takes the place of the one before. */
  readonly refreshToken?: Secret | undefined;
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** Whether the provider said how long the token lives; otherwise `expiresAt` is assumed. */
  readonly hasLifetime: boolean;
}
