import { parseDuration } from "../config/duration.js";
import { createCommandRule, type CommandRule } from "../ssh-rules/command-rules.js";
import { cleanRemotePath, isUnderAllowed } from "../ssh-rules/remote-path.js";
import type { Action } from "./action.js";
import { createPathMatcher, parsePathPattern, type PathMatcher } from "./path-pattern.js";
import type { PolicyRule, RuleAction } from "./policy-schema.js";
import { readRequestPath, type RequestPath } from "./request-path.js";
import { ruleKey } from "./rule-key.js";

/** A rule that allows an action, and what comes with that. */
export interface AdmittingRule {
  /** The rule's place in its policy, from 0. */
  readonly index: number;
  /** {@link ruleKey} */
  readonly key: string;
  /** Milliseconds; 0 if the rule has no cooldown. */
  readonly cooldownMs: number;
  /** Only where the rule limits commands: the same words, quoted, to be sent in place of what the caller wrote. */
  readonly command?: string;
  /** Only where the rule limits remote paths: what the path must be in, also when the server has resolved its links. */
  readonly remotePaths?: readonly string[];
}

/** The action with its path read at most once for all rules, and only when one asks. */
export class JudgedAction {
  readonly action: Action;
  #path: RequestPath | undefined;

  constructor(action: Action) {
    this.action = action;
  }

  requestPath(): RequestPath {
    this.#path ??= readRequestPath(this.action.kind === "http" ? this.action.rawPath : "");
    return this.#path;
  }
}

export interface CompiledRule {
  /** Of HTTP, for which it is: undefined for all, none for a rule that is for something else than HTTP. */
  readonly methods: ReadonlySet<string> | undefined;
  /** Whether it is for this action, given that it is for the action's service, and for its method if that is HTTP. */
  admit(judged: JudgedAction): AdmittingRule | undefined;
}

/** @param rule as its schema lets it through */
export function compileRule(rule: PolicyRule, index: number): CompiledRule {
  const cooldownMs = rule.cooldown === undefined ? 0 : (parseDuration(rule.cooldown) ?? Infinity);
  const admitting: AdmittingRule = { index, key: ruleKey(rule), cooldownMs };
  const matchers = rule.paths?.map(compilePath);
  const actions = actionsOf(rule);
  const commandRule = rule.commands === undefined ? undefined : createCommandRule(rule.commands);
  return {
    methods: isForHttp(rule) ? rule.methods && new Set(rule.methods) : new Set(),
    admit(judged) {
      const { action } = judged;
      if (action.kind === "http") {
        if (matchers === undefined) return admitting;
        // Where that other resource is no path of the request tells.
        if (action.namesAnotherResource === true) return undefined;
        return matchesPath(matchers, judged.requestPath()) ? admitting : undefined;
      }
      if (action.kind === "session") return actions.has("session") ? admitting : undefined;
      if (!actions.has(action.action)) return undefined;
      switch (action.action) {
        case "session":
          return admitting;
        case "exec":
          return commandRule === undefined ? admitting : admitCommand(admitting, commandRule, action.command);
        case "upload":
        case "download":
          return admitRemotePath(admitting, rule.remote_paths, action.remotePath);
      }
    },
  };
}

function isForHttp({ actions, commands, remote_paths }: PolicyRule): boolean {
  return actions === undefined && commands === undefined && remote_paths === undefined;
}

function matchesPath(matchers: readonly PathMatcher[], path: RequestPath): boolean {
  if (!path.ok) return false;
  for (const matches of matchers) if (matches(path.segments)) return true;
  return false;
}

function compilePath(text: string): PathMatcher {
  const parsed = parsePathPattern(text);
  return parsed.ok ? createPathMatcher(parsed.pattern) : () => false;
}

const EVERY_ACTION: ReadonlySet<RuleAction> = new Set(["exec", "upload", "download", "session"]);

/** What a rule is for besides HTTP; a rule that names no actions is for those that its other fields are about. */
export function actionsOf(rule: PolicyRule): ReadonlySet<RuleAction> {
  if (rule.methods !== undefined || rule.paths !== undefined) return new Set();
  if (rule.actions !== undefined) return new Set(rule.actions);
  if (rule.commands !== undefined) return new Set(["exec"]);
  return rule.remote_paths === undefined ? EVERY_ACTION : new Set(["upload", "download"]);
}

function admitCommand(
  admitting: AdmittingRule,
  commandRule: CommandRule,
  command: string | undefined,
): AdmittingRule | undefined {
  if (command === undefined) return undefined;
  const admitted = commandRule.admit(command);
  return admitted.ok ? { ...admitting, command: admitted.command } : undefined;
}

function admitRemotePath(
  admitting: AdmittingRule,
  allowed: readonly string[] | undefined,
  remotePath: string | undefined,
): AdmittingRule | undefined {
  if (allowed === undefined) return admitting;
  if (remotePath === undefined) return undefined;
  const cleaned = cleanRemotePath(remotePath);
  return cleaned.ok && isUnderAllowed(cleaned.path, allowed)
    ? { ...admitting, remotePaths: allowed }
    : undefined;
}
