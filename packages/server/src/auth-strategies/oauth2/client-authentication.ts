import * as oauth from "oauth4webapi";
import type { Secret } from "../../redaction/secret.js";
import type { SigningKey } from "../signing-key.js";

/** How a client proves itself at a token endpoint: RFC 6749 §2.3.1, RFC 7523 §2.2. */
export const CLIENT_AUTH_METHODS = ["post", "basic", "none", "client_secret_jwt", "private_key_jwt"] as const;
export type ClientAuthMethod = (typeof CLIENT_AUTH_METHODS)[number];

export type ClientAuthentication =
  | { readonly method: "none" }
  | { readonly method: "post" | "basic" | "client_secret_jwt"; readonly secret: Secret }
  | { readonly method: "private_key_jwt"; readonly key: SigningKey; readonly keyId: string | undefined };

/** The library's form of it. */
export function toClientAuth(authentication: ClientAuthentication): oauth.ClientAuth {
  switch (authentication.method) {
    case "none":
      return oauth.None();
    case "post":
      return oauth.ClientSecretPost(authentication.secret.reveal());
    case "basic":
      return oauth.ClientSecretBasic(authentication.secret.reveal());
    case "client_secret_jwt":
      return oauth.ClientSecretJwt(authentication.secret.reveal());
    case "private_key_jwt": {
      const { key, keyId } = authentication;
      return oauth.PrivateKeyJwt(keyId === undefined ? { key: key.key } : { key: key.key, kid: keyId }, {
        // The library names Ed25519 keys by RFC 9864, which few providers know yet.
        [oauth.modifyAssertion]: (header) => {
          header.alg = key.algorithm;
        },
      });
    }
  }
}
