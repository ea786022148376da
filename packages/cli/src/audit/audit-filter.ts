import type { AuditOptions } from "@vault-proxy/client";
import type { Command } from "commander";

import { parseDuration } from "../duration.js";
import { UsageError } from "../failures.js";
import { actionsBeside, auditGroups, isAuditAction } from "./audit-actions.js";

export interface FilterOptions {
  readonly service?: string;
  readonly token?: string;
  readonly action?: string;
  readonly denied?: boolean;
  readonly since?: string;
}

/** What of the log is read: what the server looks for, and how far back it is gone. */
export interface AuditSelection {
  readonly filter: AuditOptions;
  /** Milliseconds since the epoch; undefined for all that there is. */
  readonly sinceMs?: number | undefined;
}

/** Which entries a command is about. */
export function addFilterOptions(command: Command): Command {
  return command
    .option("--service <name>", "of one service")
    .option("--token <prefix>", "of one token, by the start of its id")
    .option("--action <action>", "of one action such as ssh.exec, or of all of ssh")
    .option("--denied", "what was refused")
    .option("--since <duration>", "how far back, such as 7d");
}

/** @throws UsageError for an action that is never recorded: an empty answer would look as if nothing had happened */
export function auditSelection(options: FilterOptions, nowMs = Date.now()): AuditSelection {
  const { action, since } = options;
  if (action !== undefined && !isAuditAction(action)) {
    const near = actionsBeside(action);
    const known = near.length === 0 ? auditGroups() : near;
    throw new UsageError(`no action of the audit log is called ${action}`, `one of ${known.join(", ")}`);
  }
  return {
    filter: auditFilter(options),
    sinceMs: since === undefined ? undefined : nowMs - parseDuration(since),
  };
}

function auditFilter({ service, token, action, denied }: FilterOptions): AuditOptions {
  return {
    ...(service === undefined ? {} : { service }),
    ...(token === undefined ? {} : { token }),
    ...(action === undefined ? {} : { action }),
    ...(denied === true ? { decision: "deny" as const } : {}),
  };
}
