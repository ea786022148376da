import { generateKeyPairSync, type KeyObject } from "node:crypto";

const KINDS = [
  "client_secret_basic",
  "client_secret_post",
  "client_secret_jwt",
  "private_key_jwt",
  "none",
] as const;
/** How a client of the provider authenticates (OpenID Connect Core section 9, RFC 6749 section 2.3). */
export type ClientKind = (typeof KINDS)[number];

export interface ProviderClient {
  readonly id: string;
  /** Empty for `private_key_jwt` and `none`. */
  readonly secret: string;
  /** PKCS #8 PEM, RSA of 2048 bits, for RS256; empty for all but `private_key_jwt`. */
  readonly privateKey: string;
  /** The `kid` that the provider knows that key by. */
  readonly keyId: string;
}

/** RFC 6749 section 2.3.1: what is not encoded before it goes into `Basic` comes out as something else. */
const AWKWARD = "a+b%2Bc:d/e=f&g h-0123456789-0123456789";
const SECRETS: Readonly<Record<ClientKind, string>> = {
  client_secret_basic: AWKWARD,
  client_secret_post: `post-${AWKWARD}`,
  client_secret_jwt: "jwt-0123456789-0123456789-0123456789-0123456789",
  private_key_jwt: "",
  none: "",
};
/** The client by which the protected API introspects tokens; no test is one of its clients. */
export const RESOURCE_SERVER = {
  id: "resource-server",
  secret: "resource-server-secret-0123456789",
} as const;

/** One client for each way of authenticating, and what the provider is to know of them. */
export function makeClients(
  redirectUris: readonly string[],
  scopes: readonly string[],
): { clients: Readonly<Record<ClientKind, ProviderClient>>; metadata: object[] } {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const client = (kind: ClientKind): ProviderClient => ({
    id: kind.replaceAll("_", "-"),
    secret: SECRETS[kind],
    privateKey: kind === "private_key_jwt" ? pem(privateKey) : "",
    keyId: kind === "private_key_jwt" ? "client-key-1" : "",
  });
  const clients = {
    client_secret_basic: client("client_secret_basic"),
    client_secret_post: client("client_secret_post"),
    client_secret_jwt: client("client_secret_jwt"),
    private_key_jwt: client("private_key_jwt"),
    none: client("none"),
  };
  const metadata = KINDS.map((kind) => ({
    client_id: clients[kind].id,
    ...(clients[kind].secret === "" ? {} : { client_secret: clients[kind].secret }),
    token_endpoint_auth_method: kind,
    // RFC 8252 section 7.3: any port of a loopback address that is registered.
    application_type: "native",
    redirect_uris: [
      "http://127.0.0.1/auth/oauth2/callback",
      "http://[::1]/auth/oauth2/callback",
      "http://localhost/auth/oauth2/callback",
      ...redirectUris,
    ],
    grant_types: [
      ...["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
      ...(kind === "none" ? [] : ["client_credentials"]),
    ],
    response_types: ["code"],
    scope: scopes.join(" "),
    id_token_signed_response_alg: "ES256",
    ...(kind === "private_key_jwt"
      ? {
          jwks: {
            keys: [
              { ...publicKey.export({ format: "jwk" }), kid: clients[kind].keyId, use: "sig", alg: "RS256" },
            ],
          },
        }
      : {}),
  }));
  const resourceServer = {
    client_id: RESOURCE_SERVER.id,
    client_secret: RESOURCE_SERVER.secret,
    token_endpoint_auth_method: "client_secret_basic",
    redirect_uris: [],
    grant_types: [],
    response_types: [],
    id_token_signed_response_alg: "ES256",
  };
  return { clients, metadata: [...metadata, resourceServer] };
}

const pem = (key: KeyObject): string => key.export({ type: "pkcs8", format: "pem" }).toString();
