import type { AuditOptions } from "@vault-proxy/client";
import type { Command } from "commander";

export interface FilterOptions {
  readonly service?: string;
  readonly token?: string;
  readonly action?: string;
  readonly denied?: boolean;
}

/** Which entries a command is about. */
export function addFilterOptions(command: Command): Command {
  return command
    .option("--service <name>", "of one service")
    .option("--token <prefix>", "of one token, by the start of its id")
    .option("--action <action>", "of one action such as ssh.exec, or of all of ssh")
    .option("--denied", "what was refused");
}

export function auditFilter({ service, token, action, denied }: FilterOptions): AuditOptions {
  return {
    ...(service === undefined ? {} : { service }),
    ...(token === undefined ? {} : { token }),
    ...(action === undefined ? {} : { action }),
    ...(denied === true ? { decision: "deny" as const } : {}),
  };
}
