import { Secret } from "../../redaction/secret.js";
import {
  isObject,
  optionalText,
  parseUploadedObject,
  refusalOf,
  requiredText,
  type JsonObject,
  type RefuseFile,
} from "./uploaded-json.js";

const GOOGLE_AUTH_URL = "https://accounts.google.com/o/oauth2/v2/auth";
const GOOGLE_TOKEN_URL = "https://oauth2.googleapis.com/token";

const MAX_REDIRECT_URIS = 100;

/** What Google's console calls a client: a program on the user's machine (RFC 8252), or one on a server. */
const KINDS = ["installed", "web"] as const;

/** An OAuth2 client as Google's console hands it out (`client_secret_….json`). Its URLs are not checked yet. */
export interface GoogleClient {
  readonly kind: (typeof KINDS)[number];
  readonly clientId: string;
  /** Google gives none to clients for iOS and Android. Always there for `web`. */
  readonly clientSecret: Secret | undefined;
  /** Google's, if the file has none. */
  readonly authUrl: string;
  /** Google's, if the file has none. */
  readonly tokenUrl: string;
  /** As in the file and in its order. */
  readonly redirectUris: readonly string[];
}

/**
 * Reads `{"installed": {client_id, client_secret, auth_uri, token_uri, redirect_uris}}`, or the same under `web`.
 * What else the file has is left alone.
 *
 * @param field the field of the request that names the file
 * @throws VaultProxyError `invalid_request`, which begins with `field`, says what is wrong, and repeats no value
 */
export function parseGoogleClientFile(bytes: Uint8Array, field = "client_secret_file"): GoogleClient {
  const refuse = refusalOf(field);
  const file = parseUploadedObject(bytes, refuse);
  const found = KINDS.filter((kind) => Object.hasOwn(file, kind));
  const [kind] = found;
  if (kind === undefined) throw refuse(whatElse(file));
  if (found.length > 1) throw refuse("holds both installed and web");
  const client = file[kind];
  if (!isObject(client)) throw refuse(`${kind} must be an object`);
  const text = (name: string): string | undefined => optionalText(client, name, `${kind}.${name}`, refuse);
  return {
    kind,
    clientId: requiredText(client, "client_id", `${kind}.client_id`, refuse),
    clientSecret: clientSecretOf(kind, client, refuse),
    authUrl: text("auth_uri") ?? GOOGLE_AUTH_URL,
    tokenUrl: text("token_uri") ?? GOOGLE_TOKEN_URL,
    redirectUris: redirectUrisOf(kind, client, refuse),
  };
}

function clientSecretOf(
  kind: GoogleClient["kind"],
  client: JsonObject,
  refuse: RefuseFile,
): Secret | undefined {
  const read = kind === "web" ? requiredText : optionalText;
  const value = read(client, "client_secret", `${kind}.client_secret`, refuse);
  return value === undefined ? undefined : new Secret(value);
}

function redirectUrisOf(kind: GoogleClient["kind"], client: JsonObject, refuse: RefuseFile): string[] {
  const name = "redirect_uris";
  const listed = Object.hasOwn(client, name) ? (client[name] ?? []) : [];
  if (!Array.isArray(listed)) throw refuse(`${kind}.${name} must be an array`);
  if (listed.length > MAX_REDIRECT_URIS) throw refuse(`${kind}.${name} holds too many entries`);
  return listed.map((uri: unknown, index) =>
    requiredText({ uri }, "uri", `${kind}.${name}.${index}`, refuse),
  );
}

/** Why a JSON object without `installed` and `web` is refused. */
function whatElse(file: JsonObject): string {
  const needed = "an OAuth2 client file of kind installed or web is needed";
  if (file.type === "service_account") {
    return `is the key of a service account: use auth type service_account, or ${needed}`;
  }
  if (file.type === "authorized_user" || Object.hasOwn(file, "refresh_token")) {
    return `holds a user's token, which belongs in token_file: ${needed}`;
  }
  return `has neither installed nor web: ${needed}`;
}
