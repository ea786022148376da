import {
  CUT_OFF_ACTION,
  FILE_ACTION,
  LATE_ACTION,
  LOST_ACTION,
  TAMPERED_ACTION,
  TORN_ACTION,
} from "./own-lines.js";

/** What the server does, and what its log says of itself, with no vault unlocked. */
const WITHOUT_VAULT: ReadonlySet<unknown> = new Set([
  ...["server.start", "server.stop"],
  ...[FILE_ACTION, TORN_ACTION, LOST_ACTION, LATE_ACTION, CUT_OFF_ACTION, TAMPERED_ACTION],
]);

/**
 * Whether a line may be without a MAC: it tells of what can happen while the vault is locked. Nothing is done then, and no
 * token is known, so that a refusal names one only where the lock itself was the reason.
 *
 * @param fields of a line, or of an entry that becomes one
 */
export function mayLackMac(fields: Readonly<Record<string, unknown>>): boolean {
  if (WITHOUT_VAULT.has(fields.action)) return true;
  if (fields.decision !== "deny") return false;
  const isOfNobody = fields.token === undefined && fields.token_name === undefined;
  return fields.code === "vault_locked" || (isOfNobody && fields.rule === undefined);
}
