import { UsageError } from "./failures.js";
import type { AuthType, ServiceFlags } from "./service-definition.js";
import { isSessionType, SESSION_TYPES } from "./session-types/registry.js";
import { SSH_OPTIONS } from "./ssh/ssh-service.js";

interface FlagUse {
  /** As the user writes it. */
  readonly option: string;
  readonly isFor: (type: AuthType) => boolean;
  readonly use: string;
}

const ofTypes = (option: string, ...types: readonly AuthType[]): FlagUse => ({
  option,
  isFor: (type) => types.includes(type),
  use: `--type ${types.join(", ")}`,
});
const ofSessions = (option: string): FlagUse => ofTypes(option, ...SESSIONS);
const ofCalls = (option: string): FlagUse => ({
  option,
  isFor: (type) => !isSessionType(type) && type !== "ssh_key",
  use: "services of HTTP calls",
});

const SESSIONS = Object.keys(SESSION_TYPES) as readonly (keyof typeof SESSION_TYPES)[];

const notBySsh = (option: string): FlagUse => ({
  option,
  isFor: (type) => type !== "ssh_key",
  use: "services of HTTP calls and of sessions",
});

/** Flags that do nothing for other types; those of credentials that expire tell their type themselves. */
const USES: Readonly<Partial<Record<keyof ServiceFlags, FlagUse>>> = {
  baseUrl: ofCalls("--base-url"),
  headerName: ofTypes("--header-name", "header", "headers"),
  paramName: ofTypes("--param-name", "query"),
  username: ofTypes("--username", "basic"),
  host: ofSessions("--host"),
  port: ofSessions("--port"),
  user: ofSessions("--user"),
  database: ofTypes("--database", "redis", "postgres"),
  tls: ofSessions("--tls"),
  auth: ofTypes("--auth", "imap", "smtp"),
  oauthService: ofTypes("--oauth-service", "imap", "smtp"),
  maxConnections: ofSessions("--max-connections"),
  requirePassword: ofSessions("--require-password"),
  anyLocalUser: ofSessions("--any-local-user"),
  header: ofCalls("--header"),
  sessionCookies: ofCalls("--session-cookies"),
  forwardCookies: ofCalls("--forward-cookies"),
  scrub: ofCalls("--no-scrub"),
  connectTimeout: ofCalls("--connect-timeout"),
  responseTimeout: ofCalls("--response-timeout"),
  maxRequestBytes: ofCalls("--max-request-bytes"),
  tlsCa: notBySsh("--tls-ca"),
  tlsSkipVerify: notBySsh("--tls-skip-verify"),
  idleTimeout: notBySsh("--idle-timeout"),
  ...Object.fromEntries(
    Object.entries(SSH_OPTIONS).map(([flag, option]) => [flag, ofTypes(option, "ssh_key")]),
  ),
};

/** @throws UsageError that names a flag which `type` has no use for */
export function refuseUselessFlags(type: AuthType, flags: ServiceFlags): void {
  const useless = uselessFlag(type, flags);
  if (useless === undefined) return;
  throw new UsageError(`${useless.option} is for ${useless.use}, not for --type ${type}`);
}

/** Whether every flag means something for `type`. */
export function suits(type: AuthType, flags: ServiceFlags): boolean {
  return uselessFlag(type, flags) === undefined;
}

function uselessFlag(type: AuthType, flags: ServiceFlags): FlagUse | undefined {
  const names = Object.keys(USES) as (keyof ServiceFlags)[];
  const useless = names.find((name) => isGiven(name, flags) && USES[name]?.isFor(type) === false);
  return useless === undefined ? undefined : USES[useless];
}

/** `--no-scrub` is the one flag whose presence is false. */
function isGiven(name: keyof ServiceFlags, flags: ServiceFlags): boolean {
  return name === "scrub" ? flags.scrub === false : flags[name] !== undefined;
}
