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

/** What in a rule would never take effect, or would look like a limit and be none. */
export function contradictionsOf(rule: RuleFields): readonly Contradiction[] {
  const found: Contradiction[] = [];
  const isAboutHttp = rule.methods !== undefined || rule.paths !== undefined;
  for (const field of ["actions", "commands", "remote_paths"] as const) {
    if (isAboutHttp && rule[field] !== undefined) {
      found.push({ field, message: "cannot stand in one rule with methods or paths, which are for HTTP" });
    }
  }
  const { actions } = rule;
  if (actions === undefined) return found;
  if (rule.commands !== undefined && !actions.includes("exec")) {
    found.push({ field: "commands", message: "need the action exec" });
  }
  if (rule.remote_paths !== undefined && !actions.includes("upload") && !actions.includes("download")) {
    found.push({ field: "remote_paths", message: "need the action upload or download" });
  }
  if (actions.includes("session") && (rule.commands !== undefined || rule.remote_paths !== undefined)) {
    found.push({
      field: "actions",
      message: "may hold session only in a rule without commands and remote_paths",
    });
  }
  return found;
}
