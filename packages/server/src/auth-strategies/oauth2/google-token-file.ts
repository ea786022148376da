import { Secret } from "../../redaction/secret.js";
import { optionalText, parseUploadedObject, refusalOf, type JsonObject } from "./uploaded-json.js";

/** What a program that logged in at Google kept of it. */
export interface GoogleToken {
  readonly refreshToken: Secret;
  /** Only with a known expiry: without one nobody can tell whether it still holds. */
  readonly access: { readonly token: Secret; /** Unix seconds. */ readonly expiresAt: number } | undefined;
  /** The client that the token was given to, where the file says it. */
  readonly clientId: string | undefined;
  readonly scopes: readonly string[] | undefined;
}

/**
 * Reads the token file of Google's own libraries: Python writes `token`, `expiry` (UTC) and `scopes`, Node
 * `access_token`, `expiry_date` (milliseconds) and `scope`, Go `access_token` and `expiry`; gcloud's credentials of an
 * authorized user have a `refresh_token` only.
 *
 * @param field the field of the request that names the file
 * @throws VaultProxyError `invalid_request`, which begins with `field`, says what is wrong, and repeats no value
 */
export function parseGoogleTokenFile(bytes: Uint8Array, field = "token_file"): GoogleToken {
  const refuse = refusalOf(field);
  const file = parseUploadedObject(bytes, refuse);
  const text = (name: string): string | undefined => optionalText(file, name, name, refuse);
  const refreshToken = text("refresh_token");
  if (refreshToken === undefined) throw refuse(whyWithout(file));
  const accessToken = text("access_token") ?? text("token");
  const expiresAt = expiryOf(file);
  return {
    refreshToken: new Secret(refreshToken),
    access:
      accessToken === undefined || expiresAt === undefined
        ? undefined
        : { token: new Secret(accessToken), expiresAt },
    clientId: text("client_id"),
    scopes: scopesOf(file),
  };
}

function whyWithout(file: JsonObject): string {
  if (Object.hasOwn(file, "installed") || Object.hasOwn(file, "web")) {
    return "is an OAuth2 client file, which belongs in client_secret_file: a file with refresh_token is needed";
  }
  if (file.type === "service_account") {
    return "is the key of a service account, which has no refresh_token: use auth type service_account";
  }
  return "refresh_token is missing";
}

/** Unix seconds; undefined where there is none, or none that can be read. */
function expiryOf(file: JsonObject): number | undefined {
  const { expiry_date: milliseconds, expiry } = file;
  const time =
    typeof milliseconds === "number"
      ? milliseconds
      : typeof expiry === "string"
        ? Date.parse(withZone(expiry))
        : Number.NaN;
  // Go writes the year 1 for a token that it takes to live for ever.
  return time > 0 && time <= Number.MAX_SAFE_INTEGER ? Math.floor(time / 1000) : undefined;
}

/** Python's library writes UTC without saying so, which JavaScript would read as local time. */
function withZone(expiry: string): string {
  return /^\d{4}-\d\d-\d\dT[\d:.]+$/.test(expiry) ? `${expiry}Z` : expiry;
}

function scopesOf(file: JsonObject): string[] | undefined {
  const { scopes, scope } = file;
  const listed: unknown = scopes ?? (typeof scope === "string" ? scope.split(" ") : undefined);
  if (!Array.isArray(listed)) return undefined;
  return listed.filter((entry): entry is string => typeof entry === "string" && SCOPE_TOKEN.test(entry));
}

/** RFC 6749 §3.3 `scope-token`. */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]{1,512}$/;
