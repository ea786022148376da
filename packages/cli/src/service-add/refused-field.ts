import {
  defaultBaseUrl,
  flagOfField,
  isExpiringAuthType,
  type RefusableFlag,
} from "../expiring-auth/registry.js";
import { secretLabels } from "../service-definition.js";
import type { CompleteFlags } from "../service-questions.js";

type Flag = keyof CompleteFlags;

/** What was answered for a field of the API: without these it is asked again. */
const FLAGS: Readonly<Record<string, readonly Flag[]>> = {
  base_url: ["baseUrl", "allowPrivate"],
  "auth.header_name": ["headerName"],
  "auth.headers": ["headerName"],
  "auth.params": ["paramName"],
  "auth.ssh_host": ["sshHost", "sshPort", "allowPrivate"],
  "auth.ssh_port": ["sshHost", "sshPort"],
  "auth.ssh_user": ["sshUser"],
  "auth.ssh_host_key": ["sshHostKey"],
  "auth.ssh_key_file_ref": ["sshKeyFileRef"],
};

/** Of mail servers and databases: their fields begin with the type's name. */
const SESSION_FLAGS: Readonly<Record<string, readonly Flag[]>> = {
  host: ["host", "port", "allowPrivate"],
  port: ["host", "port"],
  user: ["user"],
  username: ["user"],
  db: ["database"],
  tls: ["tls"],
};

const SECRETS =
  /^auth\.(?:token|username|password|header_value|headers|params|client_secret|refresh_token|(?:imap|smtp|redis|postgres|ssh)_password|ssh_key_passphrase)(?:\.|$)/;

/** Secrets of which others may have been asked for beside them, by their labels. */
const LABELS: Readonly<Record<string, string>> = {
  "auth.username": "User name",
  "auth.client_secret": "Client secret",
  "auth.refresh_token": "Refresh token",
};

/** A field that the vault refuses. */
export interface NamedField {
  /** As the API has it: `auth.token_url`. */
  readonly field: string;
  /** What is wrong with it, without the field's name. */
  readonly reason: string;
}

/** What of the answers the vault refused. */
export interface RefusedField {
  readonly flags: readonly Flag[];
  /** One of a credential that expires. */
  readonly asked?: RefusableFlag | undefined;
  /** Labels of the secrets that are to be given again. */
  readonly secrets: readonly string[];
  readonly reason: string;
}

/** @returns undefined where the vault names no field; by the error's shape, as the client is not loaded */
export function namedField(error: unknown): NamedField | undefined {
  if (!(error instanceof Error) || !("code" in error) || error.code !== "invalid_request") return undefined;
  const [, field, reason = ""] = /^([a-z_.A-Z0-9-]+): (.*)$/s.exec(error.message) ?? [];
  return field === undefined ? undefined : { field, reason };
}

/**
 * Settings that only options give, such as lists of headers, scopes or commands, are none of these: the whole list would
 * have to be typed anew, and the shell still has the command to be changed.
 *
 * @returns undefined where the vault names no field that is asked for
 */
export function refusedField(error: unknown, answers: CompleteFlags): RefusedField | undefined {
  const { field, reason } = namedField(error) ?? {};
  if (field === undefined || reason === undefined) return undefined;
  const asked = expiringFlag(field, answers);
  if (asked !== undefined) {
    // A base URL that nobody gave follows from this.
    return { flags: followsFrom(asked.flag, answers) ? ["baseUrl"] : [], asked, secrets: [], reason };
  }
  const flags = flagsOfField(field);
  const secrets = refusedSecrets(field, secretLabels(answers.type, answers));
  return flags.length === 0 && secrets.length === 0 ? undefined : { flags, secrets, reason };
}

/** What a field of the API is made of. */
export function flagsOfField(field: string): readonly Flag[] {
  const [, sessionField = ""] = /^auth\.(?:imap|smtp|redis|postgres)_(\w+)$/.exec(field) ?? [];
  return FLAGS[field] ?? SESSION_FLAGS[sessionField] ?? [];
}

export function isSecretField(field: string): boolean {
  return SECRETS.test(field);
}

/** @param labels of all secrets that were asked for */
export function refusedSecrets(field: string, labels: readonly string[]): readonly string[] {
  if (!isSecretField(field)) return [];
  const [, name] = /^auth\.(?:headers|params)\.(.+)$/.exec(field) ?? [];
  const label = name === undefined ? LABELS[field] : `Value of ${name}`;
  if (label !== undefined && labels.includes(label)) return [label];
  return field === "auth.client_secret" || field === "auth.refresh_token" ? [] : labels;
}

function expiringFlag(field: string, answers: CompleteFlags): RefusableFlag | undefined {
  const { type } = answers;
  if (!isExpiringAuthType(type)) return undefined;
  if (field === "base_url" && followsFrom("githubApiUrl", answers))
    return flagOfField(type, answers, "api_url");
  return field.startsWith("auth.") ? flagOfField(type, answers, field.slice("auth.".length)) : undefined;
}

/** Whether the base URL is what this flag says. */
function followsFrom(flag: Flag, { baseUrl, type, ...flags }: CompleteFlags): boolean {
  return (
    flag === "githubApiUrl" &&
    flags.githubApiUrl !== undefined &&
    isExpiringAuthType(type) &&
    baseUrl === defaultBaseUrl(type, flags)
  );
}
