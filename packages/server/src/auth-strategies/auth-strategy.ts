import type { z } from "@hono/zod-openapi";
import type { Secret } from "../redaction/secret.js";
import type { SearchedSecret } from "../scrubbing/secret-matcher.js";
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
}

/** What a strategy may know of its service besides its own fields. */
export interface ServiceFacts {
  /** As the admin wrote it, trailing slashes included. */
  readonly base_url: string;
}

/**
 * One kind of credential. A new kind is one file in `strategies/` and one line in the registry.
 * `Config` is what the schema gives: the service's `auth` object with its secrets wrapped.
 */
export interface AuthStrategy<Config extends { readonly type: string }> {
  readonly type: Config["type"];
  /** Strict: an unknown field is refused by name. */
  readonly schema: z.ZodObject;
  /** Top-level fields holding secrets: a `PUT` that omits one keeps the stored value. */
  readonly secretFields: readonly (keyof Config & string)[];
  /** Checks that need more than one field. @throws VaultProxyError `invalid_request` naming the field. */
  check?(config: Config, service: ServiceFacts): void;
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
  createInjector(config: Config): CredentialInjector;
}

export const NO_NAMES: ReadonlySet<string> = new Set();
