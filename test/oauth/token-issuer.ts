import { randomBytes } from "node:crypto";

/** How an issuer behaves; a test may change it while it runs. */
export interface IssuerSettings {
  /** Whether a refresh gives a new refresh token. */
  rotate: boolean;
  /** How long a rotated refresh token can still be used; used after that, it ends the grant (RFC 9700 section 4.14.2). */
  graceMs: number;
  /** Put into each answer as it is; undefined leaves it out. */
  expiresIn: unknown;
  /** How many of the last access tokens the API takes. */
  accepted: number;
}

export interface IssuedAnswer {
  readonly status: number;
  readonly json: Readonly<Record<string, unknown>>;
}

/**
 * The state of an authorization server with one grant: what it has given out, and what it still takes. It knows nothing of
 * clients, which are the test's business.
 */
export class TokenIssuer {
  readonly settings: IssuerSettings;
  /** The newest last. */
  readonly accessTokens: string[] = [];
  readonly refreshTokens: string[] = [];
  readonly #rotatedAt = new Map<string, number>();
  #isRevoked = false;

  constructor(settings: Partial<IssuerSettings> = {}) {
    this.settings = { rotate: true, graceMs: 0, expiresIn: 3600, accepted: 1, ...settings };
    this.refreshTokens.push(newToken("rt"));
  }

  get refreshToken(): string {
    return this.refreshTokens.at(-1) ?? "";
  }

  get accessToken(): string {
    return this.accessTokens.at(-1) ?? "";
  }

  /** Whether a rotated refresh token was used after its grace, so that nothing of the grant works any more. */
  get isRevoked(): boolean {
    return this.#isRevoked;
  }

  /** From now on every access token is refused, until a new one is issued. */
  revokeAccessTokens(): void {
    this.accessTokens.length = 0;
  }

  /** What an admin does who authorizes it again: a new grant. */
  grantAgain(): string {
    this.#isRevoked = false;
    this.#rotatedAt.clear();
    this.refreshTokens.length = 0;
    this.refreshTokens.push(newToken("rt"));
    return this.refreshToken;
  }

  accepts(accessToken: string): boolean {
    const { accepted } = this.settings;
    return !this.#isRevoked && accepted > 0 && this.accessTokens.slice(-accepted).includes(accessToken);
  }

  /** `more` goes into the answer beside the tokens. */
  issue(more: Readonly<Record<string, unknown>> = {}): IssuedAnswer {
    this.accessTokens.push(newToken("at"));
    const { expiresIn } = this.settings;
    return {
      status: 200,
      json: {
        access_token: this.accessToken,
        token_type: "Bearer",
        ...(expiresIn === undefined ? {} : { expires_in: expiresIn }),
        ...more,
      },
    };
  }

  refresh(presented: string | undefined): IssuedAnswer {
    if (presented === undefined) return { status: 400, json: { error: "invalid_request" } };
    if (this.#isRevoked || !this.refreshTokens.includes(presented)) return refused;
    if (presented !== this.refreshToken) {
      const rotatedAt = this.#rotatedAt.get(presented) ?? -Infinity;
      if (Date.now() - rotatedAt > this.settings.graceMs) {
        this.#isRevoked = true;
        return refused;
      }
    }
    if (!this.settings.rotate) return this.issue();
    if (!this.#rotatedAt.has(presented)) this.#rotatedAt.set(presented, Date.now());
    this.refreshTokens.push(newToken("rt"));
    return this.issue({ refresh_token: this.refreshToken });
  }
}

const refused: IssuedAnswer = { status: 400, json: { error: "invalid_grant" } };

const newToken = (kind: string): string => `${kind}-${randomBytes(24).toString("base64url")}`;
