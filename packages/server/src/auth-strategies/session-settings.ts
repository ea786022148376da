import { z } from "@hono/zod-openapi";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { assertDestination, isAllowedForSessions } from "../network/address-policy.js";

/** Of one session at a time. */
export const MAX_CONNECTIONS = 1000;

/** Settings of services that sessions are for. */
export const sessionSettings = {
  max_connections: z.number().int().min(1).max(MAX_CONNECTIONS).optional().openapi({
    description: "Of a session, unless it is opened with fewer; none is opened with more. Default 1.",
  }),
  require_password: z.boolean().optional().openapi({
    description: "Whether clients of a session must give the password that its opening answered.",
  }),
  any_local_user: z.boolean().optional().openapi({
    description: "Whether processes of other users of the machine may connect to a session.",
  }),
};

type SessionSetting = keyof typeof sessionSettings;
const SESSION_SETTINGS = Object.keys(sessionSettings) as readonly SessionSetting[];
const HTTP_SETTINGS = [
  "headers",
  "scrub",
  "connect_timeout",
  "response_timeout",
  "max_request_bytes",
  "session_cookies",
  "forward_cookies",
] as const;

type Settings<Name extends string> = Readonly<Partial<Record<Name, unknown>>>;

/** A setting that would do nothing is a mistake. */
function refuseSet<Name extends string>(settings: Settings<Name>, names: readonly Name[], use: string): void {
  const set = names.find((name) => settings[name] !== undefined && settings[name] !== false);
  if (set !== undefined) throw new VaultProxyError("invalid_request", `${set}: is for ${use} only`);
}

/** @throws VaultProxyError `invalid_request` for a service of HTTP calls that has settings of sessions. */
export function refuseSessionSettings(settings: Settings<SessionSetting>): void {
  refuseSet(settings, SESSION_SETTINGS, "services that sessions are for");
}

/** @throws VaultProxyError `invalid_request` for a service of sessions that has settings of HTTP calls. */
export function refuseHttpSettings(settings: Settings<(typeof HTTP_SETTINGS)[number]>): void {
  refuseSet(settings, HTTP_SETTINGS, "HTTP services");
}

/** @throws VaultProxyError `invalid_request` for a service without TLS that has settings of TLS. */
export function refuseTlsSettings(settings: Settings<"tls_ca" | "tls_skip_verify">): void {
  refuseSet(settings, ["tls_ca", "tls_skip_verify"], "services that are reached by TLS");
}

/**
 * What can be seen of a forbidden destination before anything is resolved.
 * @param field of `auth` that names the server
 * @throws VaultProxyError `invalid_request`
 */
export function assertServer(field: string, host: string, allowPrivate: boolean): void {
  try {
    assertDestination({ hostname: host, allowPrivate, isAllowed: isAllowedForSessions });
  } catch (error) {
    if (!(error instanceof VaultProxyError)) throw error;
    throw new VaultProxyError("invalid_request", `auth.${field}: ${error.message}`);
  }
}

/** The session settings that a service has, for those who list services. */
export function describeSessionSettings(settings: Settings<SessionSetting>): Settings<SessionSetting> {
  return Object.fromEntries(
    SESSION_SETTINGS.filter((name) => settings[name] !== undefined).map((name) => [name, settings[name]]),
  );
}
