import { inNamesOf } from "../renamed-fields.js";
import type { PolicyFlags } from "./policy-flags.js";

interface TokenFlags extends PolicyFlags {
  readonly policy?: string;
}

/** Fields of a token's request, of a rule, of limits and of times: options of `token create` and `token child`. */
const OPTIONS: Readonly<Record<string, string>> = {
  name: "--name",
  ttl: "--ttl",
  expires_at: "--expires-at",
  "limits.requests_per_minute": "--rate",
  "limits.max_concurrent": "--max-concurrent",
  "limits.max_uses": "--max-uses",
  "limits.bytes_per_day": "--bytes-per-day",
  "valid.from": "--valid-from",
  "valid.until": "--valid-until",
  "rules.0.cooldown": "--cooldown",
};

/** Of those that may be repeated; behind them stands which one it was. */
const LISTS: Readonly<Record<string, readonly [option: string, flag: keyof PolicyFlags]>> = {
  service: ["--service", "service"],
  methods: ["--method", "method"],
  paths: ["--path", "path"],
  actions: ["--action", "action"],
  commands: ["--command", "command"],
  remote_paths: ["--remote-path", "remotePath"],
};

/** Makes a token that options name: a refusal is told by these, not by the fields of the API. */
export async function namingTokenOptions<Result>(
  flags: TokenFlags,
  make: () => Promise<Result>,
): Promise<Result> {
  try {
    return await make();
  } catch (error) {
    throw inNamesOf(error, (field) => optionOf(field, flags));
  }
}

function optionOf(field: string, flags: TokenFlags): string | undefined {
  if (field === "policy") return flags.policy === undefined ? undefined : "--policy";
  const ofPolicy = /^policy\.(.+)$/.exec(field)?.[1];
  const [, list = "", index = "0"] = /^rules\.0\.([a-z_]+)(?:\.(\d+))?$/.exec(ofPolicy ?? "") ?? [];
  const [option, flag] = LISTS[list] ?? [];
  if (option === undefined || flag === undefined) return OPTIONS[ofPolicy ?? field];
  const given = flags[flag];
  return Array.isArray(given) && given.length > 1
    ? `${option} ${JSON.stringify(given[Number(index)])}`
    : option;
}
