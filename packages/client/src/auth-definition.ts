/** Where a signing key is: an uploaded file (PEM), or the key itself. */
type SigningKey =
  | { readonly key_file: string; readonly private_key?: undefined }
  | { readonly private_key: string; readonly key_file?: undefined };

/** How a client proves itself at a token endpoint. Default: `post`, or `none` without a secret. */
export type ClientAuthentication = "post" | "basic" | "none" | "client_secret_jwt" | "private_key_jwt";

/** Further parameters, such as `audience`. */
export type RequestParameters = Readonly<Record<string, string | number | boolean>>;

/**
 * RFC 6749: access tokens by a refresh token, or by the client's own credentials. `oauthAuthorize` makes such a service
 * from a login. Names of files are those of uploaded files.
 */
export interface OAuth2ClientAuth {
  readonly type: "oauth2_client";
  readonly client_id?: string | undefined;
  readonly client_secret?: string | undefined;
  readonly refresh_token?: string | undefined;
  readonly token_url?: string | undefined;
  /** Where tokens are refreshed, if not at `token_url`. */
  readonly refresh_url?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
  /** Default `refresh_token`. */
  readonly grant?: "refresh_token" | "client_credentials" | undefined;
  readonly client_auth?: ClientAuthentication | undefined;
  /** Private key (PEM) for `private_key_jwt`. */
  readonly client_key_file?: string | undefined;
  readonly client_key_id?: string | undefined;
  /** Audience of client assertions, if it is not `token_url`. */
  readonly issuer?: string | undefined;
  readonly token_body?: "form" | "json" | undefined;
  readonly extra?: RequestParameters | undefined;
  /** An OAuth2 client of Google, in place of `client_id`, `client_secret` and `token_url`. */
  readonly client_secret_file?: string | undefined;
  /** A token file of Google's libraries, in place of `refresh_token`. */
  readonly token_file?: string | undefined;
  readonly access_token?: string | undefined;
  /** Unix seconds. */
  readonly expires_at?: number | undefined;
  /** Unix seconds. */
  readonly issued_at?: number | undefined;
}

/** A Google service account: a signed assertion is exchanged for access tokens (RFC 7523). */
export interface ServiceAccountAuth {
  readonly type: "service_account";
  /** The uploaded key file. */
  readonly file_ref: string;
  /** Default: `https://www.googleapis.com/auth/cloud-platform`. */
  readonly sa_scopes?: readonly string[] | undefined;
  readonly sa_token_url?: string | undefined;
  /** The user to act for, with domain-wide delegation. */
  readonly sa_subject?: string | undefined;
}

/** RFC 7523 with providers other than Google. */
export type JwtBearerAuth = SigningKey & {
  readonly type: "jwt_bearer";
  readonly token_url: string;
  readonly issuer: string;
  /** Default: the issuer. */
  readonly subject?: string | undefined;
  /** Default: `token_url`. */
  readonly audience?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
  /** Default: what the key is for. */
  readonly algorithm?: "RS256" | "ES256" | "EdDSA" | undefined;
  readonly kid?: string | undefined;
  readonly claims?: RequestParameters | undefined;
  /** Seconds, of each assertion. Default 300. */
  readonly lifetime?: number | undefined;
  readonly client_id?: string | undefined;
  readonly client_secret?: string | undefined;
  readonly client_auth?: "post" | "basic" | undefined;
  readonly token_body?: "form" | "json" | undefined;
  readonly extra?: RequestParameters | undefined;
};

/** A GitHub App: a signed assertion is exchanged for installation access tokens. */
export type GitHubAppAuth = SigningKey & {
  readonly type: "github_app";
  readonly app_id: string | number;
  readonly installation_id: string | number;
  /** Of GitHub Enterprise Server: `https://HOST/api/v3`. */
  readonly api_url?: string | undefined;
  /** Default: all of the installation. */
  readonly repositories?: readonly string[] | undefined;
  /** Default: all that the installation may. */
  readonly permissions?: Readonly<Record<string, "read" | "write" | "admin">> | undefined;
};

/** A mailbox, for sessions. */
export interface ImapAuth {
  readonly type: "imap";
  readonly imap_host: string;
  /** Default 993 with implicit TLS, 143 otherwise. */
  readonly imap_port?: number | undefined;
  readonly imap_user: string;
  readonly imap_password?: string | undefined;
  /** Default `implicit`. */
  readonly imap_tls?: "implicit" | "starttls" | "none" | undefined;
  /** Default `login`. */
  readonly imap_auth?: "login" | "plain" | "xoauth2" | "oauthbearer" | undefined;
  /** With `xoauth2` and `oauthbearer`: the service whose access token is the credential. */
  readonly oauth_service?: string | undefined;
}

/** A server that mail is handed to, for sessions. */
export interface SmtpAuth {
  readonly type: "smtp";
  readonly smtp_host: string;
  /** Default 587 with STARTTLS, 465 with implicit TLS, 25 without. */
  readonly smtp_port?: number | undefined;
  readonly smtp_user: string;
  readonly smtp_password?: string | undefined;
  /** Default `starttls`. */
  readonly smtp_tls?: "starttls" | "implicit" | "none" | undefined;
  /** Default `auto`: the strongest that the server offers. */
  readonly smtp_auth?: "auto" | "plain" | "login" | "cram-md5" | "xoauth2" | undefined;
  /** With `xoauth2`: the service whose access token is the credential. */
  readonly oauth_service?: string | undefined;
}

/** A Redis server, for sessions. */
export interface RedisAuth {
  readonly type: "redis";
  readonly redis_host: string;
  /** Default 6379. */
  readonly redis_port?: number | undefined;
  /** An ACL user; the default user without. */
  readonly redis_username?: string | undefined;
  readonly redis_password: string;
  /** Default 0. */
  readonly redis_db?: number | undefined;
  /** Default false. */
  readonly redis_tls?: boolean | undefined;
}

/** A PostgreSQL database, for sessions. */
export interface PostgresAuth {
  readonly type: "postgres";
  readonly postgres_host: string;
  /** Default 5432. */
  readonly postgres_port?: number | undefined;
  readonly postgres_user: string;
  readonly postgres_password: string;
  /** Default: the one of the user's own name. */
  readonly postgres_db?: string | undefined;
  /** Default `require`. */
  readonly postgres_tls?: "require" | "prefer" | "disable" | undefined;
}

/** Offered only to servers that know nothing better. */
export type SshLegacyAlgorithm =
  | "diffie-hellman-group1-sha1"
  | "diffie-hellman-group14-sha1"
  | "diffie-hellman-group-exchange-sha1"
  | "diffie-hellman-group-exchange-sha256"
  | "ssh-rsa"
  | "ssh-dss"
  | "aes128-cbc"
  | "aes192-cbc"
  | "aes256-cbc"
  | "3des-cbc"
  | "hmac-sha1"
  | "hmac-sha1-etm@openssh.com";

/** A server that is reached by SSH, with an uploaded private key or a password. */
export interface SshKeyAuth {
  readonly type: "ssh_key";
  readonly ssh_host: string;
  /** Default 22. */
  readonly ssh_port?: number | undefined;
  readonly ssh_user: string;
  /** The uploaded private key: Ed25519, ECDSA or RSA, in OpenSSH's format, PEM or PKCS#8. */
  readonly ssh_key_file_ref?: string | undefined;
  readonly ssh_key_passphrase?: string | undefined;
  /** Instead of a key. */
  readonly ssh_password?: string | undefined;
  /** The server's public key or its fingerprint (`SHA256:…`); without it the first connection's is kept. */
  readonly ssh_host_key?: string | undefined;
  /** With it, only these commands run, each with further arguments, none through a shell's own syntax. */
  readonly ssh_allowed_commands?: readonly string[] | undefined;
  /** With it, only files at or below these absolute paths are read and written. */
  readonly ssh_allowed_paths?: readonly string[] | undefined;
  /** Outdated algorithms that are offered to this server besides the usual ones, such as `ssh-rsa`. */
  readonly ssh_legacy_algorithms?: readonly SshLegacyAlgorithm[] | undefined;
}

/** Credentials of HTTP APIs. */
export type HttpAuthDefinition =
  | { readonly type: "bearer"; readonly token: string }
  | { readonly type: "header"; readonly header_name: string; readonly header_value: string }
  | { readonly type: "headers"; readonly headers: Readonly<Record<string, string>> }
  | { readonly type: "basic"; readonly username?: string | undefined; readonly password: string }
  | { readonly type: "url"; readonly token: string }
  | { readonly type: "query"; readonly params: Readonly<Record<string, string>> }
  | OAuth2ClientAuth
  | ServiceAccountAuth
  | JwtBearerAuth
  | GitHubAppAuth;

/** Credentials of servers that have no base URL: `auth` says where they are. */
export type ServerAuthDefinition = ImapAuth | SmtpAuth | RedisAuth | PostgresAuth | SshKeyAuth;

/** How a credential is stored and where it is injected. */
export type AuthDefinition = HttpAuthDefinition | ServerAuthDefinition;
