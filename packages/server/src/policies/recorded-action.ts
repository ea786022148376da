import type { Action } from "./action.js";

/** Of an entry of the audit log what tells of the action; anything may be missing, or be something else. */
export interface RecordedUse {
  readonly action: string;
  readonly service?: unknown;
  readonly method?: unknown;
  readonly path?: unknown;
  readonly details?: unknown;
}

export type ReadUse =
  | { readonly kind: "action"; readonly action: Action }
  /** Of a use that a policy could judge, but the entry does not tell all of it: it was masked, or cut. */
  | { readonly kind: "incomplete" }
  /** Nothing that a policy decides. */
  | { readonly kind: "other" };

/** What stands in the log in the place of what might be a secret, and of what was too long. */
const REDACTED = /\*\*\*|…\[\+\d+\]$/;

/**
 * What a token did, from the audit log's entry of it. An SSH shell and a session of a database or mail server are both a
 * `session`; what becomes of them later says nothing new.
 */
export function recordedAction(entry: RecordedUse): ReadUse {
  const { service } = entry;
  const details = (
    typeof entry.details === "object" && entry.details !== null ? entry.details : {}
  ) as Readonly<Record<string, unknown>>;
  switch (entry.action) {
    case "proxy": {
      const rawPath = pathBelowService(entry.path, service);
      if (!isWhole(service) || !isWhole(entry.method) || !isWhole(rawPath)) return { kind: "incomplete" };
      return { kind: "action", action: { kind: "http", service, method: entry.method, rawPath } };
    }
    case "session.open": {
      const { protocol } = details;
      if (!isWhole(service) || !isWhole(protocol)) return { kind: "incomplete" };
      return { kind: "action", action: { kind: "session", service, protocol } };
    }
    case "ssh.shell":
      if (!isWhole(service)) return { kind: "incomplete" };
      return { kind: "action", action: { kind: "ssh", service, action: "session" } };
    case "ssh.exec": {
      const { command } = details;
      if (!isWhole(service) || !isWhole(command)) return { kind: "incomplete" };
      return { kind: "action", action: { kind: "ssh", service, action: "exec", command } };
    }
    case "ssh.upload":
    case "ssh.download": {
      const { remote_path: remotePath } = details;
      if (!isWhole(service) || !isWhole(remotePath)) return { kind: "incomplete" };
      const action = entry.action === "ssh.upload" ? "upload" : "download";
      return { kind: "action", action: { kind: "ssh", service, action, remotePath } };
    }
    default:
      return { kind: "other" };
  }
}

function isWhole(text: unknown): text is string {
  return typeof text === "string" && !REDACTED.test(text);
}

/** The path without its query, and without what names the service if the log has that too. */
function pathBelowService(path: unknown, service: unknown): string | undefined {
  if (typeof path !== "string" || typeof service !== "string") return undefined;
  const withoutQuery = path.replace(/\?.*$/s, "");
  const start = `/proxy/${service}`;
  const isWholeTarget = withoutQuery === start || withoutQuery.startsWith(`${start}/`);
  return isWholeTarget ? withoutQuery.slice(start.length) : withoutQuery;
}
