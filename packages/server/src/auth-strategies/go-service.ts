import { Secret } from "../redaction/secret.js";
import { asImported } from "./imported-service.js";
import type { ServiceRecord } from "./service-definition.js";

/** Fields of a Go service's `auth` that are no secrets. Whatever else a Go server wrote there is taken for one. */
const PLAIN_FIELDS: ReadonlySet<string> = new Set([
  "type",
  "header_name",
  "username",
  "client_id",
  "token_url",
  "expires_at",
  "scopes",
  "client_secret_file",
  "token_file",
  "file_ref",
  "sa_scopes",
  "sa_token_url",
  "sa_expires_at",
  "ssh_host",
  "ssh_port",
  "ssh_user",
  "ssh_key_file_ref",
  "ssh_host_key",
  "ssh_allowed_commands",
  "imap_host",
  "imap_port",
  "imap_user",
  "imap_tls",
  "smtp_host",
  "smtp_port",
  "smtp_user",
  "smtp_tls",
  "redis_host",
  "redis_port",
  "redis_username",
  "redis_db",
  "redis_tls",
  "postgres_host",
  "postgres_port",
  "postgres_user",
  "postgres_db",
  "postgres_tls",
]);

/**
 * The record of a service from a Go server's vault. One that this version does not take, for its auth type or for a
 * field, is kept as it came and tells why when it is called.
 *
 * @param json the service as it stands in the Go server's JSON: `name`, `base_url`, `auth`, `tls_skip_verify`,
 *   `session_cookies`.
 */
export function importGoService(name: string, json: object): ServiceRecord {
  const { base_url, auth, tls_skip_verify, session_cookies } = json as Record<string, unknown>;
  const type = isObject(auth) && typeof auth.type === "string" ? auth.type : "";
  return asImported({
    name,
    base_url: typeof base_url === "string" ? base_url : "",
    auth: { ...(isObject(auth) ? wrapSecrets(auth) : {}), type },
    tls_skip_verify: tls_skip_verify === true,
    session_cookies: session_cookies === true,
    allow_private: false,
    forward_cookies: false,
  });
}

const MAX_NAME_CHARACTERS = 120;

/** The Go server took names that no request can name here. */
export function legalServiceName(name: string): string {
  const legal = name.replace(/[^a-zA-Z0-9._-]/g, "-").replace(/^[^a-zA-Z0-9]+/, "");
  return legal.slice(0, MAX_NAME_CHARACTERS) || "unnamed";
}

function wrapSecrets(auth: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(auth).map(([field, value]) => [field, PLAIN_FIELDS.has(field) ? value : wrapAll(value)]),
  );
}

/** Every string at any depth. */
function wrapAll(value: unknown): unknown {
  if (typeof value === "string") return new Secret(value);
  if (Array.isArray(value)) return value.map(wrapAll);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, wrapAll(inner)]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
