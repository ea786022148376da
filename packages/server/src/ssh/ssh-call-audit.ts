import type { AuditFacts } from "../audit/audit-entry.js";
import type { AuditRecorder } from "../audit/recorder.js";
import type { SshAccess } from "../auth-strategies/auth-strategy.js";
import { statusOf } from "../errors/error-codes.js";
import { toVaultProxyError } from "../errors/vault-proxy-error.js";
import type { RuleAction } from "../policies/policy-schema.js";
import type { TokenRecord } from "../tokens/token-record.js";

/** Where a call comes from, for the audit log. */
export type CallOrigin = Pick<AuditFacts, "request_id" | "client" | "justification">;

/** What becomes known of a call while it runs, beside what it was permitted for. */
export interface SshNotes {
  readonly justification?: string | undefined;
  readonly exitCode?: number | undefined;
  /** That ended the command. */
  readonly signal?: string | undefined;
  readonly isTruncated?: boolean | undefined;
  /** Of an uploaded file, octal. */
  readonly mode?: string | undefined;
}

/** What is known of a call by SSH when it has ended. */
export interface EndedSshCall {
  readonly action: RuleAction;
  readonly origin: CallOrigin;
  readonly token: TokenRecord;
  readonly service: string;
  /** Undefined for a service that is none, or not reached by SSH. */
  readonly access: Pick<SshAccess, "host" | "port"> | undefined;
  readonly rule: string | undefined;
  /** Whether anything was begun at the server. */
  readonly isPermitted: boolean;
  readonly command: string | undefined;
  readonly remotePath: string | undefined;
  readonly notes: SshNotes;
  readonly bytes: number;
  readonly ms: number;
  readonly thrown: unknown;
}

/** One entry a call. */
export function recordSshCall(audit: Pick<AuditRecorder, "record">, call: EndedSshCall): void {
  const { action, token, thrown, access, notes } = call;
  const error = thrown === undefined ? undefined : toVaultProxyError(thrown);
  const facts: AuditFacts = {
    ...call.origin,
    justification: notes.justification ?? call.origin.justification,
    token: token.id_prefix,
    token_name: token.name,
    service: call.service,
    decision: call.isPermitted ? "allow" : "deny",
    rule: call.rule,
    status: error === undefined ? (action === "session" ? 101 : 200) : statusOf(error.code),
    code: error?.code,
    ...(action === "upload" ? { bytes_in: call.bytes } : { bytes_out: call.bytes }),
    ms: call.ms,
  };
  const server = { host: access?.host, port: access?.port };
  switch (action) {
    case "exec":
      audit.record("ssh.exec", facts, {
        ...{ ...server, command: call.command, exit_code: notes.exitCode },
        ...{ signal: notes.signal, truncated: notes.isTruncated },
      });
      break;
    case "upload":
      audit.record("ssh.upload", facts, { ...server, remote_path: call.remotePath, mode: notes.mode });
      break;
    case "download":
      audit.record("ssh.download", facts, { ...server, remote_path: call.remotePath });
      break;
    case "session":
      audit.record("ssh.shell", facts, { ...server, end: error?.code ?? "exit" });
      break;
  }
}
