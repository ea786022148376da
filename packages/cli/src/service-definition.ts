import type { AuthDefinition } from "@vault-proxy/client";

import {
  EXPIRING_AUTH,
  expiringAuth,
  isExpiringAuthType,
  type ExpiringAuthFlags,
} from "./expiring-auth/registry.js";
import { UsageError } from "./failures.js";
import { wrongLines } from "./secret-lines.js";
import type { SettingsFlags } from "./service-settings.js";
import { isSessionType, SESSION_TYPES, sessionAuth, takesToken } from "./session-types/registry.js";
import type { SessionTypeFlags } from "./session-types/session-type.js";
import { SSH_SUMMARY, sshAuth, sshSecretLabels, type SshFlags } from "./ssh/ssh-service.js";

/** The auth types that `service add` knows by flags, and what each injects, is got by, or logs in to. */
export const AUTH_TYPES = {
  bearer: "Authorization: Bearer <token>",
  header: "one header, such as x-api-key",
  headers: "several headers",
  basic: "user name and password",
  url: "a token in the URL, at {token} in the base URL",
  query: "query parameters",
  oauth2_client: EXPIRING_AUTH.oauth2_client.summary,
  service_account: EXPIRING_AUTH.service_account.summary,
  jwt_bearer: EXPIRING_AUTH.jwt_bearer.summary,
  github_app: EXPIRING_AUTH.github_app.summary,
  imap: SESSION_TYPES.imap.summary,
  smtp: SESSION_TYPES.smtp.summary,
  redis: SESSION_TYPES.redis.summary,
  postgres: SESSION_TYPES.postgres.summary,
  ssh_key: SSH_SUMMARY,
} as const;

export type AuthType = keyof typeof AUTH_TYPES;

/** What of a service the command line names: nothing of it is secret. */
export interface ServiceFlags extends SettingsFlags, ExpiringAuthFlags, SessionTypeFlags, SshFlags {
  readonly baseUrl?: string | undefined;
  readonly type?: AuthType | undefined;
  readonly headerName?: readonly string[] | undefined;
  readonly paramName?: readonly string[] | undefined;
  readonly username?: string | undefined;
}

/** What must be asked for or read, in order; each is one line of a secret file. */
export function secretLabels(type: AuthType, flags: ServiceFlags): readonly string[] {
  if (isExpiringAuthType(type)) return EXPIRING_AUTH[type].secretLabels(flags);
  if (isSessionType(type)) return takesToken(type, flags) ? [] : ["Password"];
  switch (type) {
    case "ssh_key":
      return sshSecretLabels(flags);
    case "bearer":
    case "url":
      return ["Token"];
    case "basic":
      return flags.username === undefined ? ["User name", "Password"] : ["Password"];
    case "header":
    case "headers":
      return headerNames(type, flags).map((name) => `Value of ${name}`);
    case "query":
      return paramNames(flags).map((name) => `Value of ${name}`);
  }
}

/** Whether secrets may be missing: many APIs have no basic password, and many keys no passphrase. */
export function mayLackSecrets(type: AuthType, flags: ServiceFlags): boolean {
  return type === "basic" || (type === "ssh_key" && flags.sshKeyFileRef !== undefined);
}

/** What cannot be right of a secret that was copied with what stands before it. */
export function secretProblem(type: AuthType, value: string): string | undefined {
  return type === "bearer" && /^bearer\s/i.test(value)
    ? "it begins with `Bearer`, which the vault adds by itself: give what stands behind that"
    : undefined;
}

/** @param values one for each of {@link secretLabels}, but see {@link mayLackSecrets} */
export function authDefinition(
  type: AuthType,
  flags: ServiceFlags,
  values: readonly string[],
): AuthDefinition {
  const labels = secretLabels(type, flags);
  const isComplete = !mayLackSecrets(type, flags);
  const given = !isComplete ? [...values, ...labels.slice(values.length).map(() => "")] : values;
  if (given.length !== labels.length) {
    throw wrongLines(values.length, labels.length, `one line each, in this order: ${labels.join(", ")}`);
  }
  // Likelier a password whose user name was forgotten than a user name that is the key.
  if (type === "basic" && values.length < labels.length && flags.username === undefined) {
    throw new UsageError(
      "the user name is missing",
      "name it by --username, or give two lines: user name, then password (an empty one if there is none)",
    );
  }
  const empty = isComplete ? labels[given.indexOf("")] : undefined;
  if (empty !== undefined) throw new UsageError(`no secret was given for: ${empty}`);
  const wrong = given.map((value) => secretProblem(type, value)).find((problem) => problem !== undefined);
  if (wrong !== undefined) throw new UsageError(`the secret cannot be right: ${wrong}`);
  if (isExpiringAuthType(type)) return expiringAuth(type, flags, given);
  if (isSessionType(type)) return sessionAuth(type, flags, given);
  const [first = "", second = ""] = given;
  switch (type) {
    case "ssh_key":
      return sshAuth(flags, given);
    case "bearer":
    case "url":
      return { type, token: first };
    case "basic":
      return flags.username === undefined
        ? { type, username: first, password: second }
        : { type, username: flags.username, password: first };
    case "header":
      return { type, header_name: headerNames(type, flags)[0] ?? "", header_value: first };
    case "headers":
      return { type, headers: pairUp(headerNames(type, flags), given) };
    case "query":
      return { type, params: pairUp(paramNames(flags), given) };
  }
}

function headerNames(type: "header" | "headers", flags: ServiceFlags): readonly string[] {
  const names = flags.headerName ?? [];
  if (names.length === 0) throw new UsageError(`--type ${type} needs --header-name`);
  if (type === "header" && names.length > 1)
    throw new UsageError("--type header takes one --header-name", "use headers");
  return names;
}

function paramNames(flags: ServiceFlags): readonly string[] {
  const names = flags.paramName ?? [];
  if (names.length === 0) throw new UsageError("--type query needs --param-name");
  return names;
}

function pairUp(names: readonly string[], values: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name, index) => [name, values[index] ?? ""]));
}
