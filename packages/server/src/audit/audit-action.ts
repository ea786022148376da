/** What a detail of an action is: text that a caller or an upstream may have made, or a plain value. */
type DetailKind = "text" | "number" | "flag";

const SSH = { host: "text", port: "number" } as const;
const TOKEN = {
  /** The start of the token that it is about; `token` of the entry is who did it. */
  target: "text",
  target_name: "text",
  scope: "text",
  policy: "text",
  expires_at: "text",
} as const;

/**
 * Everything that is recorded, with the details that each entry may have beside the fields of all entries. Of a change it
 * is recorded what was changed, never a value.
 */
export const AUDIT_ACTIONS = {
  /** One call to `/proxy`, when it has ended. */
  proxy: { upgrade: "text" },
  "session.open": { session: "text", protocol: "text" },
  /** One connection to an open session, when it has ended. */
  "session.connection": { session: "text", protocol: "text", host: "text", port: "number", end: "text" },
  "session.close": { session: "text", protocol: "text" },
  "ssh.exec": { ...SSH, command: "text", exit_code: "number", signal: "text", truncated: "flag" },
  "ssh.upload": { ...SSH, remote_path: "text", mode: "text" },
  "ssh.download": { ...SSH, remote_path: "text" },
  /** A shell, when it has ended. */
  "ssh.shell": { ...SSH, end: "text" },
  /** Attempts, right and wrong. */
  unlock: { created: "flag" },
  /** The last line with a MAC until the next unlock. */
  lock: { revoked_tokens: "number" },
  "service.add": { auth_type: "text", replaced: "flag" },
  "service.update": { auth_type: "text", changed: "text" },
  "service.remove": { auth_type: "text" },
  /** By an admin, or because the first connection was shown it. */
  "host_key.pin": { fingerprint: "text", previous: "text", first_use: "flag" },
  "host_key.clear": { fingerprint: "text" },
  "file.add": { file: "text", size: "number" },
  "file.read": { file: "text", size: "number" },
  "file.remove": { file: "text" },
  "token.create": TOKEN,
  /** A token that a token made for itself. */
  "token.child": TOKEN,
  "token.revoke": { ...TOKEN, descendants: "number" },
  "token.suspend": TOKEN,
  "token.resume": TOKEN,
  "policy.add": { policy: "text", version: "number" },
  "policy.update": { policy: "text", version: "number" },
  "policy.remove": { policy: "text" },
  /** A login at a provider: when it is started, when it is cancelled, and when it ends with a service or a failure. */
  "oauth.login": { flow: "text", step: "text", reason: "text" },
  "oauth.refresh": { reason: "text" },
  "password.change": {},
  "recovery_key.create": {},
  "server.start": { version: "text", listen: "text" },
  "server.stop": { signal: "text" },
  /** Written at an unlock: since then the vault was used by a server without a log. */
  "audit.off": { since: "text" },
  /** A control-plane request that was refused before it was known what it would do. */
  request: {},
} as const satisfies Readonly<Record<string, Readonly<Record<string, DetailKind>>>>;

export type AuditAction = keyof typeof AUDIT_ACTIONS;

interface ValueOf {
  readonly text: string;
  readonly number: number;
  readonly flag: boolean;
}

/** The details of one action. */
export type AuditDetails<A extends AuditAction> = {
  readonly [D in keyof (typeof AUDIT_ACTIONS)[A]]?:
    ValueOf[(typeof AUDIT_ACTIONS)[A][D] & DetailKind] | undefined;
};
