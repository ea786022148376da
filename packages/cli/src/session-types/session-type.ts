import type { AuthDefinition } from "@vault-proxy/client";

/** Flags of `service add` for services that sessions are for. */
export interface SessionTypeFlags {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly user?: string | undefined;
  readonly database?: string | undefined;
  readonly tls?: string | undefined;
  readonly auth?: string | undefined;
  readonly oauthService?: string | undefined;
}

/** A kind of server that sessions log in to, as `service add` takes it by flags and questions. */
export interface SessionType {
  readonly summary: string;
  /** What `--tls` may be, with what it means; the vault's default first. */
  readonly tls: Readonly<Record<string, string>>;
  /** What TLS a port stands for where none is named. */
  readonly tlsOfPort: Readonly<Record<number, string>>;
  /** What `--auth` may be; empty if there is nothing to choose. */
  readonly auth: readonly string[];
  /** Those of `auth` that take an access token in a password's place. */
  readonly tokenAuth: readonly string[];
  readonly needsUser: boolean;
  /** What a database is called by; undefined if there are none. */
  readonly database: "name" | "number" | undefined;
  /** @param password undefined with a mechanism of `tokenAuth` */
  readonly define: (flags: SessionTypeFlags, password: string | undefined) => AuthDefinition;
}
