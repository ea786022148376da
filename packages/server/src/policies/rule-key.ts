import { createHash } from "node:crypto";
import type { PolicyRule } from "./policy-schema.js";

const KEY_CHARACTERS = 22;

/**
 * What a rule is known by across edits and reorderings of its policy: the same for rules that allow the same, in
 * whatever order they list it. The cooldown is left out, so that changing it does not end one that runs.
 */
export function ruleKey(rule: PolicyRule): string {
  const { service, methods, paths, actions, commands, remote_paths: remotePaths } = rule;
  const lists = [
    typeof service === "string" ? [service] : service,
    methods,
    paths,
    actions,
    commands,
    remotePaths,
  ];
  const canonical = JSON.stringify(
    lists.map((list) => (list === undefined ? null : [...new Set(list)].sort())),
  );
  return createHash("sha256").update(canonical).digest("base64url").slice(0, KEY_CHARACTERS);
}
