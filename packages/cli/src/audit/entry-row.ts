import type { AuditEntry } from "@vault-proxy/client";
import { localTime } from "./local-time.js";

export const ENTRY_HEAD = ["TIME", "TOKEN", "ACTION", "RESULT", "SERVICE", "WHAT"];

/** An entry for a person: the cells of {@link ENTRY_HEAD}, of which those that may be long come last. */
export function entryRow(entry: AuditEntry): string[] {
  return [
    localTime(entry.time),
    entry.token_name ?? entry.token ?? "",
    entry.action,
    resultOf(entry),
    entry.service ?? "",
    whatOf(entry),
  ];
}

export function whatOf({ action, method, path, details = {} }: AuditEntry): string {
  const said = Object.entries(details)
    .map(([name, value]) => (name === "command" ? String(value) : `${name}=${String(value)}`))
    .join(" ");
  const target = action === "proxy" || action === "request" ? `${method ?? ""} ${path ?? ""}`.trim() : "";
  return [target, said].filter((text) => text !== "").join(" ");
}

export function resultOf({ decision, status, code, rule, unverified }: AuditEntry): string {
  if (unverified === true) return "UNVERIFIED";
  const answer = [status, code].filter((part) => part !== undefined).join(" ");
  if (decision === "deny") return `DENIED ${answer}`.trim();
  return [answer, rule === undefined ? "" : `by ${rule}`].filter((text) => text !== "").join(" ");
}
