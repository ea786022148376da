import type { PolicyAction, PolicyContent, PolicyRule } from "@vault-proxy/client";
import { InvalidArgumentError, Option, type Command } from "commander";

import type { CommandContext } from "../command-context.js";
import { goDuration } from "../duration.js";
import { UsageError } from "../failures.js";
import { collect } from "../repeated-option.js";
import { readPolicyContent } from "./policy-source.js";

/** A policy of one rule, on the command line. */
export interface PolicyFlags {
  readonly policyFile?: string;
  readonly service?: readonly string[];
  readonly method?: readonly string[];
  readonly path?: readonly string[];
  readonly action?: readonly PolicyAction[];
  readonly command?: readonly string[];
  readonly remotePath?: readonly string[];
  readonly cooldown?: string;
  readonly rate?: number;
  readonly maxUses?: number;
  readonly maxConcurrent?: number;
  readonly bytesPerDay?: string;
  readonly validFrom?: string;
  readonly validUntil?: string;
}

export function addPolicyFlags(command: Command): void {
  command
    .option(
      "--policy-file <file>",
      "what it may do: the rules of a file as YAML or JSON, or of standard input (-)",
    )
    .option("--service <name>", "only this service; may be repeated", collect)
    .option("--method <method>", "only calls with this method; may be repeated", collect)
    .option(
      "--path <pattern>",
      "only calls to such paths: * in a segment, ** across; may be repeated",
      collect,
    )
    .addOption(
      new Option(
        "--action <action>",
        "only this by SSH, or a session of a database: exec, upload, download or session; may be repeated",
      ).argParser((value: string, previous: string[] | undefined) => collect(actionOf(value), previous)),
    )
    .option(
      "--command <words>",
      "by SSH only commands that begin so, such as 'docker ps'; may be repeated",
      collect,
    )
    .option("--remote-path <path>", "only this file or directory at a server; may be repeated", collect)
    .option("--cooldown <duration>", "after a call no other within this time, such as 30s or 1d", goDuration)
    .option("--rate <rate>", "calls in any minute at most, such as 60/min", rateOf)
    .option("--max-uses <count>", "calls in its whole life at most", countOf)
    .option("--max-concurrent <count>", "calls at a time at most", countOf)
    .option("--bytes-per-day <size>", "bytes in a day at most, both ways together, such as 500MB")
    .option("--valid-from <time>", "no call before, such as 2030-01-31T09:00:00Z (RFC 3339)")
    .option("--valid-until <time>", "no call after that (RFC 3339)");
}

/** @returns undefined where no option says anything of a policy */
export async function policyOfFlags(
  context: Pick<CommandContext, "stdin">,
  flags: PolicyFlags,
): Promise<PolicyContent | undefined> {
  const rule = ruleOf(flags);
  const limits = {
    requests_per_minute: flags.rate,
    max_concurrent: flags.maxConcurrent,
    max_uses: flags.maxUses,
    bytes_per_day: flags.bytesPerDay,
  };
  const valid = { from: flags.validFrom, until: flags.validUntil };
  const isLimited = isAnySet(limits) || isAnySet(valid);
  if (flags.policyFile !== undefined) {
    if (rule !== undefined || isLimited) {
      throw new UsageError(
        "--policy-file says all of the policy",
        "leave out the options of a rule, limits and times",
      );
    }
    return readPolicyContent(context, flags.policyFile);
  }
  if (rule === undefined && !isLimited) return undefined;
  return {
    rules: [rule ?? { service: "*" }],
    ...(isAnySet(limits) ? { limits } : {}),
    ...(isAnySet(valid) ? { valid } : {}),
  };
}

function ruleOf(flags: PolicyFlags): PolicyRule | undefined {
  const { service, method, path, action, command, remotePath, cooldown } = flags;
  const rest = {
    methods: method,
    paths: path,
    actions: action,
    commands: command,
    remote_paths: remotePath,
    cooldown,
  };
  const [first, ...others] = service ?? [];
  if (first === undefined) {
    if (!isAnySet(rest)) return undefined;
    throw new UsageError("a rule needs its service", 'name it with --service, or "*" for every service');
  }
  // Undefined fields are not sent.
  return { service: others.length === 0 ? first : [first, ...others], ...rest };
}

function isAnySet(fields: object): boolean {
  return Object.values(fields).some((value) => value !== undefined);
}

function actionOf(value: string): PolicyAction {
  if (value === "exec" || value === "upload" || value === "download" || value === "session") return value;
  throw new InvalidArgumentError("It is exec, upload, download or session.");
}

function countOf(value: string): number {
  const count = Number(value);
  if (!/^\d+$/.test(value) || !Number.isSafeInteger(count) || count < 1) {
    throw new InvalidArgumentError("It is a whole number from 1.");
  }
  return count;
}

function rateOf(value: string): number {
  const calls = /^(\d+)\/(?:min|minute|m)$/.exec(value)?.[1];
  if (calls === undefined) throw new InvalidArgumentError("Write it as 60/min.");
  return countOf(calls);
}
