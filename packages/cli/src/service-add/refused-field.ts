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
  /^auth\.(?:token|username|password|header_value|headers|params|(?:imap|smtp|redis|postgres|ssh)_password|ssh_key_passphrase)(?:\.|$)/;

/** What of the answers the vault refused. */
export interface RefusedField {
  readonly flags: readonly Flag[];
  readonly isSecret: boolean;
  /** What is wrong with it, without the field's name in the API. */
  readonly reason: string;
}

/** @returns undefined where the vault names no field that is asked for; by the error's shape, as the client is not loaded */
export function refusedField(error: unknown): RefusedField | undefined {
  if (!(error instanceof Error) || !("code" in error) || error.code !== "invalid_request") return undefined;
  const [, field = "", reason = ""] = /^([a-z_.A-Z0-9-]+): (.*)$/s.exec(error.message) ?? [];
  const [, sessionField = ""] = /^auth\.(?:imap|smtp|redis|postgres)_(\w+)$/.exec(field) ?? [];
  const flags = FLAGS[field] ?? SESSION_FLAGS[sessionField] ?? [];
  const isSecret = SECRETS.test(field);
  return flags.length === 0 && !isSecret ? undefined : { flags, isSecret, reason };
}
