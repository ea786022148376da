import { parseAllowedCommand } from "../ssh-rules/command-rules.js";
import { cleanRemotePath } from "../ssh-rules/remote-path.js";
import type { Action } from "./action.js";
import { backtest } from "./backtest.js";
import { learnCommands } from "./learned-commands.js";
import { learnPaths } from "./learned-paths.js";
import { learnRemotePaths } from "./learned-remote-paths.js";
import { POLICY_LIMITS } from "./policy-limits.js";
import { policySchema, type Policy, type PolicyRule } from "./policy-schema.js";
import { readRequestPath } from "./request-path.js";

const DEFAULT_SIBLINGS = 12;

export interface LearnOptions {
  readonly name: string;
  readonly description?: string;
  /** How many names beside each other stay names; more become `*`. Default: 12. */
  readonly siblings?: number;
}

export interface LearnedPolicy {
  readonly policy: Policy;
  /** What no rule of a learned policy can allow, such as an ambiguous path, one with an asterisk, or a command with a pipe. */
  readonly notCovered: readonly Action[];
}

/**
 * The smallest policy of its kind that allows what was done: of each service only the methods, paths, commands, files
 * and sessions that were used, with identifiers as wildcards. Methods with the same paths share a rule. The more there
 * is than a policy can hold, the sooner names beside each other become one wildcard.
 */
export function learnPolicy(observed: readonly Action[], options: LearnOptions): LearnedPolicy {
  for (let siblings = options.siblings ?? DEFAULT_SIBLINGS; ; siblings = Math.floor(siblings / 2)) {
    const candidate: Policy = {
      name: options.name,
      ...(options.description === undefined ? {} : { description: options.description }),
      rules: learnRules(observed, siblings),
    };
    const parsed = policySchema.safeParse(candidate);
    if (!parsed.success && siblings > 0) continue;
    const policy = policySchema.parse(parsed.success ? candidate : { ...candidate, rules: [] });
    return { policy, notCovered: backtest(policy, observed).denied.map(({ action }) => action) };
  }
}

function learnRules(observed: readonly Action[], siblings: number): PolicyRule[] {
  const http = new Map<string, Map<string, Set<string>>>();
  const commands = new Map<string, Set<string>>();
  const transfers = new Map<string, Map<string, Set<string>>>();
  const sessions = new Set<string>();
  for (const action of observed) {
    const { service } = action;
    if (action.kind === "http") {
      if (readRequestPath(action.rawPath).ok && !hasAsterisk(action.rawPath))
        entry(entryMap(http, service), action.method).add(action.rawPath);
    } else if (action.kind === "session" || action.action === "session") {
      sessions.add(service);
    } else if (action.action === "exec") {
      if (parseAllowedCommand(action.command ?? "").ok) entry(commands, service).add(action.command ?? "");
    } else if (cleanRemotePath(action.remotePath ?? "").ok) {
      entry(entryMap(transfers, service), action.action).add(action.remotePath ?? "");
    }
  }
  return [
    ...byName(http).flatMap(([service, methods]) =>
      withEqualLists(methods, (paths) => learnPaths(paths, siblings)).flatMap(([names, paths]) =>
        chunks(paths, POLICY_LIMITS.pathsOfARule).map((part) => ({ service, methods: names, paths: part })),
      ),
    ),
    ...byName(commands).flatMap(([service, used]) =>
      chunks(learnCommands(used, siblings), POLICY_LIMITS.commandsOfARule).map((part) => ({
        service,
        actions: ["exec" as const],
        commands: part,
      })),
    ),
    ...byName(transfers).flatMap(([service, actions]) =>
      withEqualLists(actions, (paths) => learnRemotePaths(paths, siblings)).flatMap(([names, paths]) =>
        chunks(paths, POLICY_LIMITS.remotePathsOfARule).map((part) => ({
          service,
          actions: names.map((name) => (name === "upload" ? ("upload" as const) : ("download" as const))),
          remote_paths: part,
        })),
      ),
    ),
    ...chunks([...sessions].sort(), POLICY_LIMITS.servicesOfARule).map((service) => ({
      service,
      actions: ["session" as const],
    })),
  ];
}

/** It can stand in a path, but in a pattern only for whatever there is. */
function hasAsterisk(rawPath: string): boolean {
  return /\*|%2a/i.test(rawPath);
}

/** What is learned for each name, with the names together for which that is the same. */
function withEqualLists(
  used: ReadonlyMap<string, ReadonlySet<string>>,
  learn: (used: ReadonlySet<string>) => readonly string[],
): readonly (readonly [string[], readonly string[]])[] {
  const byList = new Map<string, [string[], readonly string[]]>();
  for (const [name, values] of byName(used)) {
    const list = learn(values);
    const key = JSON.stringify(list);
    const same = byList.get(key);
    if (same === undefined) byList.set(key, [[name], list]);
    else same[0].push(name);
  }
  return [...byList.values()];
}

function chunks(list: readonly string[], size: number): string[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) =>
    list.slice(index * size, (index + 1) * size),
  );
}

function byName<T>(map: ReadonlyMap<string, T>): [string, T][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}

function entry(map: Map<string, Set<string>>, key: string): Set<string> {
  const found = map.get(key) ?? new Set();
  map.set(key, found);
  return found;
}

function entryMap(map: Map<string, Map<string, Set<string>>>, key: string): Map<string, Set<string>> {
  const found = map.get(key) ?? new Map<string, Set<string>>();
  map.set(key, found);
  return found;
}
