import type { z } from "@hono/zod-openapi";
import type { RequestDestination, SendBounded } from "../network/bounded-request.js";
import type { Secret } from "../redaction/secret.js";
import type { ChangingSecrets, SearchedSecret } from "../scrubbing/secret-matcher.js";
import type { IssuedToken } from "./issued-token.js";
import type { RequestToken } from "./oauth2/token-endpoint.js";
import type { ServiceInfo } from "./service-info.js";

/** A call on its way out. A strategy changes it in place; nobody else reads it before the strategy is done. */
export interface OutgoingRequest {
  readonly method: string;
  /** The service's base path as it goes on the wire, without a trailing slash: "" or "/v1". */
  basePath: string;
  /** The caller's path behind the base path, byte for byte: "" or beginning with "/". */
  readonly path: string;
  /** The caller's query without "?"; undefined if there is none. */
  query: string | undefined;
  /** Flat: name, value, name, value …; order, case and repeats are kept on the wire. */
  readonly headers: string[];
}

/** A credential made ready once per service change, so that a call does no work twice. */
export interface CredentialInjector {
  /** Canonical names (lower case, `-` for `_`) of injected headers: the caller's own are dropped, and may carry its token. */
  readonly headerNames: ReadonlySet<string>;
  /** Canonical names of injected query parameters: the caller's own are dropped, and may carry its token. */
  readonly queryNames: ReadonlySet<string>;
  /** Adds the credential. A promise where it must be fetched first (token refresh). */
  inject(request: OutgoingRequest): void | Promise<void>;
  /**
   * After the upstream refused the credential in `request`: puts another one in its place, if there is or can be one.
   * Resolves to whether it did. Absent for credentials that do not change.
   */
  renew?(request: OutgoingRequest): Promise<boolean>;
  /** What it injects that is not in the configuration: searched for in answers too, before and after it changes. */
  readonly searched?: ChangingSecrets;
}

/** The access token of one service, as {@link CredentialInjector}s use it. */
export interface AccessTokenSource {
  /** At once while the token at hand is good for a while yet. Throws or rejects with a VaultProxyError. */
  current(): string | Promise<string>;
  /** After an upstream refused the token `rejected`: the one in its place; undefined if there is none. Does not reject. */
  replace(rejected: string): Promise<string | undefined>;
  /** All tokens and secrets of the service. */
  readonly searched: ChangingSecrets;
}

/** Protocols that are reached by sessions on ports of their own. */
export const SESSION_PROTOCOLS = ["imap", "smtp", "redis", "postgres"] as const;
export type SessionProtocol = (typeof SESSION_PROTOCOLS)[number];

/** Of a type whose services are reached by sessions instead of HTTP calls. */
export interface SessionUse<Config> {
  readonly protocol: SessionProtocol;
  /** Where the service's server is. */
  server(config: Config): { readonly host: string; readonly port: number };
}

/** How a service is reached by SSH (RFC 4251), and what may be done there. */
export interface SshAccess {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** One of the two is there. */
  readonly keyFile: string | undefined;
  readonly password: Secret | undefined;
  /** Of the private key in `keyFile`. */
  readonly passphrase: Secret | undefined;
  /** Of the server, as `readHostKey` gives it; undefined before the first connection. */
  readonly hostKey: string | undefined;
  /** Undefined if every command may be run. */
  readonly allowedCommands: readonly string[] | undefined;
  /** Undefined if every path that is not forbidden may be read and written. */
  readonly allowedPaths: readonly string[] | undefined;
  /** Algorithms that are not offered by default. */
  readonly legacyAlgorithms: readonly string[];
}

/** Of a type whose services are reached by SSH. */
export interface SshUse<Config> {
  access(config: Config): SshAccess;
  /** The configuration with another host key, or none. */
  withHostKey(config: Config, hostKey: string | undefined): Config;
}

/** What a strategy may know of its service besides its own fields. */
export interface ServiceFacts {
  /** As the admin wrote it, trailing slashes included. */
  readonly base_url: string;
  /** Where requests of the vault's own may go. */
  readonly destination: RequestDestination;
}

/** Reads a stored file; rejects with `not_found`. */
export type ReadFile = (name: string) => Promise<Buffer>;

export interface IssuingTools {
  readonly requestToken: RequestToken;
  readonly send: SendBounded;
  readonly readFile: ReadFile;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** How a credential that expires is kept and had anew. */
export interface Renewal<Config> {
  /** Fields of the configuration that the server writes itself; two that differ only in them are one credential. */
  readonly keptFields: readonly string[];
  /** The token in the configuration, if it has ever had one. */
  stored(config: Config): IssuedToken | undefined;
  /** The field with the refresh token, which the provider may replace too. */
  readonly refreshTokenField?: string;
  /** The field with the client that refresh tokens are for. */
  readonly clientIdField?: string;
  /** The configuration with this token in it, and with the refresh token that came along. */
  keep(config: Config, token: IssuedToken): Config;
  /**
   * Asks the provider for a token.
   * @throws TokenEndpointError, or another VaultProxyError; the signal's reason if aborted.
   */
  issue(
    config: Config,
    service: ServiceFacts,
    tools: IssuingTools,
    signal: AbortSignal,
  ): Promise<IssuedToken>;
}

/**
 * One kind of credential. A new kind is one file in `strategies/` and one line in the registry.
 * `Config` is what the schema gives: the service's `auth` object with its secrets wrapped.
 */
export interface AuthStrategy<Config extends { readonly type: string }> {
  readonly type: Config["type"];
  /** Strict: an unknown field is refused by name. */
  readonly schema: z.ZodObject;
  /** Top-level fields holding secrets that an admin gives: a `PUT` that omits one keeps the stored value. */
  readonly secretFields: readonly (keyof Config & string)[];
  /** By secret field, the field that names the file with it: a `PUT` with that keeps no stored value. */
  readonly secretFiles?: Partial<Readonly<Record<keyof Config & string, keyof Config & string>>>;
  /** Checks that need more than one field. @throws VaultProxyError `invalid_request` naming the field. */
  check?(config: Config, service: ServiceFacts): void;
  /**
   * Reads the stored files that a new configuration names: checks them, and takes out of them what it needs.
   * @throws VaultProxyError `invalid_request` naming the field.
   */
  readFiles?(config: Config, readFile: ReadFile): Promise<Config>;
  /** The secret-free part of {@link ServiceInfo} that is this type's own. */
  describe(config: Config): Partial<ServiceInfo>;
  /** Every secret of the configuration. */
  secrets(config: Config): readonly Secret[];
  /** What is searched for in answers, where that is not just the secrets. */
  searched?(config: Config): readonly SearchedSecret[];
  /**
   * Those secrets that a machine made, where that is not all of them. Callers are told when they send one to another
   * service, so a password must not be among them: it could be guessed at.
   */
  generated?(config: Config): readonly Secret[];
  /** What an admin should know of such a configuration; no secret. */
  warnings?(config: Config): readonly string[];
  /** For credentials that expire. */
  readonly renewal?: Renewal<Config>;
  /** For types whose services have no `base_url` and take no HTTP calls. */
  readonly session?: SessionUse<Config>;
  readonly ssh?: SshUse<Config>;
  /** @param token of this service; strategies without a renewal do not look at it */
  createInjector(config: Config, token: AccessTokenSource): CredentialInjector;
}

export const NO_NAMES: ReadonlySet<string> = new Set();
