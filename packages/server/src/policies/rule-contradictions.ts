/** The fields of a rule that say which kinds of actions it is about. */
export interface RuleFields {
  readonly methods?: readonly string[] | undefined;
  readonly paths?: readonly string[] | undefined;
  readonly actions?: readonly string[] | undefined;
  readonly commands?: readonly string[] | undefined;
  readonly remote_paths?: readonly string[] | undefined;
}

export interface Contradiction {
  readonly field: keyof RuleFields;
  /** The end of a sentence that begins with the field's name. */
  readonly message: string;
}

/**
 * What in a rule would never take effect, or would look like a limit and be none: with `commands` or `remote_paths`,
 * each action that the rule is for must be limited by one of them. So a field more never makes a rule allow more.
 */
export function contradictionsOf(rule: RuleFields): readonly Contradiction[] {
  const found: Contradiction[] = [];
  const { actions, commands, remote_paths: remotePaths } = rule;
  const isAboutHttp = rule.methods !== undefined || rule.paths !== undefined;
  for (const field of ["actions", "commands", "remote_paths"] as const) {
    if (isAboutHttp && rule[field] !== undefined) {
      found.push({ field, message: "cannot stand in one rule with methods or paths, which are for HTTP" });
    }
  }
  if (actions === undefined) {
    if (commands !== undefined && remotePaths !== undefined) {
      found.push({ field: "actions", message: "are required in a rule with both commands and remote_paths" });
    }
    return found;
  }
  const isTransfer = actions.includes("upload") || actions.includes("download");
  const isLimited = commands !== undefined || remotePaths !== undefined;
  if (commands !== undefined && !actions.includes("exec")) {
    found.push({ field: "commands", message: "need the action exec" });
  }
  if (remotePaths !== undefined && !isTransfer) {
    found.push({ field: "remote_paths", message: "need the action upload or download" });
  }
  if (
    isLimited &&
    (actions.includes("session") ||
      (actions.includes("exec") && commands === undefined) ||
      (isTransfer && remotePaths === undefined))
  ) {
    found.push({ field: "actions", message: "must not hold one that this rule's other fields do not limit" });
  }
  return found;
}
