import type { ServiceDefinition, ServiceInfo } from "@vault-proxy/client";

/** What the vault takes where a definition says nothing. */
const DEFAULTS: Readonly<Record<string, unknown>> = {
  ...{ imap_tls: "implicit", imap_auth: "login", smtp_tls: "starttls", smtp_auth: "auto" },
  ...{ redis_port: 6379, redis_db: 0, redis_tls: false },
  ...{ postgres_port: 5432, postgres_tls: "require", ssh_port: 22 },
};

const SECRET = /(?:password|passphrase|secret|token|private_key)$/;

/**
 * What the vault would tell of a service if this were stored in its place, as far as that can be said of fields that
 * are told at all: none of them is a secret.
 * @param stored the service that is there now
 */
export function expectedInfo(stored: ServiceInfo, definition: ServiceDefinition): Partial<ServiceInfo> {
  const { auth, name, tls_ca: _, scrub, ...settings } = definition;
  const fields: Record<string, unknown> = { ...auth };
  const isSameType = auth.type === stored.auth_type;
  const own = Object.entries(fields).filter(
    ([field]) =>
      /^(?:(?:imap|smtp|redis|postgres|ssh|oauth_service)|(?:(?:client_)?key_file|file_ref)$)/.test(field) &&
      !SECRET.test(field),
  );
  const info: Record<string, unknown> = {
    ...settings,
    ...(settings.base_url === undefined ? {} : { base_url: settings.base_url.replace(/\/+$/, "") }),
    name,
    auth_type: auth.type,
    ...(scrub === "off" ? { scrub } : {}),
    ...Object.fromEntries(own),
    ...("scopes" in fields || "sa_scopes" in fields ? { scopes: fields.scopes ?? fields.sa_scopes } : {}),
    ...(auth.type === "header" ? { header_name: auth.header_name } : {}),
    ...(auth.type === "headers" ? { header_names: Object.keys(auth.headers) } : {}),
    ...(auth.type === "query" ? { query_params: Object.keys(auth.params) } : {}),
    ...(auth.type === "basic" && stored.username !== undefined ? { username: auth.username } : {}),
  };
  for (const [field, value] of Object.entries(stored)) {
    if (info[field] !== undefined || !isSameType) continue;
    if (isKept(field, stored, info) || DEFAULTS[field] === value) info[field] = value;
  }
  return info;
}

/** The port follows from the kind of TLS, and the host key stays with its server. */
function isKept(field: string, stored: ServiceInfo, info: Readonly<Record<string, unknown>>): boolean {
  if (field === "ssh_host_key") return info.ssh_host === stored.ssh_host;
  const [, protocol] = /^(imap|smtp)_port$/.exec(field) ?? [];
  if (protocol === undefined) return false;
  const tls = info[`${protocol}_tls`] ?? DEFAULTS[`${protocol}_tls`];
  return STANDARD_PORTS[protocol]?.[String(tls)] === stored[field];
}

const STANDARD_PORTS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  imap: { implicit: 993, starttls: 143, none: 143 },
  smtp: { starttls: 587, implicit: 465, none: 25 },
};
