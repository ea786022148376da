/** What the log records, as docs/audit.md lists it. */
export const AUDIT_ACTIONS: readonly string[] = [
  ...["proxy", "request", "unlock", "lock", "password.change", "recovery_key.create"],
  ...["session.open", "session.connection", "session.close"],
  ...["ssh.exec", "ssh.upload", "ssh.download", "ssh.shell"],
  ...["service.add", "service.update", "service.remove", "host_key.pin", "host_key.clear"],
  ...["file.add", "file.read", "file.remove"],
  ...["token.create", "token.child", "token.revoke", "token.suspend", "token.resume"],
  ...["policy.add", "policy.update", "policy.remove", "oauth.login", "oauth.refresh"],
  ...["server.start", "server.stop"],
  ...["audit.file", "audit.torn", "audit.lost", "audit.cut_off", "audit.tampered", "audit.off", "audit.late"],
];

/** Whether entries of an action, or of a group such as `ssh`, can be in the log. */
export function isAuditAction(word: string): boolean {
  return AUDIT_ACTIONS.some((action) => action === word || action.startsWith(`${word}.`));
}

/** Groups, and actions that are in none. */
export function auditGroups(): string[] {
  return [...new Set(AUDIT_ACTIONS.map((action) => action.split(".")[0] ?? action))];
}

/** The actions of the group that a word begins with; else none. */
export function actionsBeside(word: string): string[] {
  const group = word.split(".")[0] ?? "";
  return AUDIT_ACTIONS.filter((action) => action.startsWith(`${group}.`));
}
