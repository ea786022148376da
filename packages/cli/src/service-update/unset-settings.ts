import { UsageError } from "../failures.js";

/** What `--unset` takes away, as the flags are named that set it, with the field of the definition. */
const SETTINGS: Readonly<Record<string, string>> = {
  description: "description",
  header: "headers",
  "allow-private": "allow_private",
  "tls-ca": "tls_ca",
  "tls-skip-verify": "tls_skip_verify",
  "session-cookies": "session_cookies",
  "forward-cookies": "forward_cookies",
  "no-scrub": "scrub",
  "connect-timeout": "connect_timeout",
  "response-timeout": "response_timeout",
  "idle-timeout": "idle_timeout",
  "max-request-bytes": "max_request_bytes",
  "max-connections": "max_connections",
  "require-password": "require_password",
  "any-local-user": "any_local_user",
};

/** The same of what belongs to the credential. */
const AUTH: Readonly<Record<string, string>> = {
  "ssh-allowed-command": "ssh_allowed_commands",
  "ssh-allowed-path": "ssh_allowed_paths",
  "ssh-legacy-algorithm": "ssh_legacy_algorithms",
  "ssh-port": "ssh_port",
  "oauth2-scope": "scopes",
  "oauth2-refresh-url": "refresh_url",
  "oauth2-extra": "extra",
  "service-account-scope": "sa_scopes",
  "service-account-subject": "sa_subject",
  "github-repository": "repositories",
  "github-permission": "permissions",
};

/** The option that sets a field of a service, or of its `auth`. */
export function optionOfSetting(field: string | undefined, isOfAuth: boolean): string | undefined {
  const [option] = Object.entries(isOfAuth ? AUTH : SETTINGS).find(([, set]) => set === field) ?? [];
  return option === undefined ? undefined : `--${option}`;
}

export interface UnsetFields {
  readonly settings: Readonly<Record<string, null>>;
  readonly auth: Readonly<Record<string, null>>;
}

/** @throws UsageError for a word that names no setting */
export function unsetFields(words: readonly string[] = []): UnsetFields {
  const names = words.map((word) => word.replace(/^--/, ""));
  const wrong = names.find((name) => !Object.hasOwn(SETTINGS, name) && !Object.hasOwn(AUTH, name));
  if (wrong !== undefined) {
    const known = [...Object.keys(SETTINGS), ...Object.keys(AUTH)].join(", ");
    throw new UsageError(`--unset cannot take away "${wrong}"`, `it takes one of ${known}`);
  }
  return { settings: nulls(names, SETTINGS), auth: nulls(names, AUTH) };
}

function nulls(names: readonly string[], fields: Readonly<Record<string, string>>): Record<string, null> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
      return field === undefined ? [] : [[field, null]];
    }),
  );
}
