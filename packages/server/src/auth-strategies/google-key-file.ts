import { Secret } from "../redaction/secret.js";
import { parseUploadedObject, refusalOf, requiredText, optionalText } from "./oauth2/uploaded-json.js";

/** The key of a Google service account, as Google's console hands it out. */
export interface GoogleKey {
  readonly clientEmail: string;
  /** PEM. */
  readonly privateKey: Secret;
  readonly privateKeyId: string | undefined;
}

/**
 * Reads `{"type": "service_account", client_email, private_key, private_key_id}`. Its `token_uri` is left alone: where
 * an assertion is sent is the service's to say, not a file's.
 *
 * @throws VaultProxyError `invalid_request`, which begins with `field` and repeats no value
 */
export function parseGoogleKeyFile(bytes: Uint8Array, field: string): GoogleKey {
  const refuse = refusalOf(field);
  const file = parseUploadedObject(bytes, refuse);
  if (file.type !== "service_account") {
    const isClient = Object.hasOwn(file, "installed") || Object.hasOwn(file, "web");
    throw refuse(
      isClient
        ? "is an OAuth2 client: use auth type oauth2_client, or a service account's key"
        : "is not the key of a service account",
    );
  }
  const { private_key: privateKey } = file;
  if (typeof privateKey !== "string" || privateKey === "") throw refuse("private_key is missing");
  return {
    clientEmail: requiredText(file, "client_email", "client_email", refuse),
    privateKey: new Secret(privateKey),
    privateKeyId: optionalText(file, "private_key_id", "private_key_id", refuse),
  };
}
