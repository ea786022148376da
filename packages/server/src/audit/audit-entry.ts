import type { ErrorCode } from "../errors/error-codes.js";
import { AUDIT_ACTIONS, type AuditAction, type AuditDetails } from "./audit-action.js";
import { ENTRY_LIMITS } from "./audit-limits.js";
import { entryTarget, entryText, refusedTarget, type MaskText } from "./entry-text.js";

/** What is known of any action. Whatever does not apply is left out. */
export interface AuditFacts {
  readonly request_id?: string | undefined;
  /** The start of the token's id that may be shown (`tokenPrefix`), and its name. */
  readonly token?: string | undefined;
  readonly token_name?: string | undefined;
  readonly service?: string | undefined;
  readonly method?: string | undefined;
  /** As the caller sent it, with its query. */
  readonly path?: string | undefined;
  readonly decision: "allow" | "deny";
  /** What decided: a policy's rule, such as `triage-bot/2`, or what refused. */
  readonly rule?: string | undefined;
  /** HTTP status that the caller got. */
  readonly status?: number | undefined;
  /** Of the vault's own refusal or failure. */
  readonly code?: ErrorCode | undefined;
  /** Bytes of bodies from and to the caller. */
  readonly bytes_in?: number | undefined;
  readonly bytes_out?: number | undefined;
  /** Milliseconds from the start of the request to its end. */
  readonly ms?: number | undefined;
  /** Address of the caller's connection, or its user on a unix socket. */
  readonly client?: string | undefined;
  /** What the caller says it is for. */
  readonly justification?: string | undefined;
}

/** An entry that is safe to be written. Made by {@link createEntryMaker} only. */
export interface AuditEntry extends AuditFacts {
  readonly action: AuditAction;
  readonly details?: Readonly<Record<string, string | number | boolean>> | undefined;
}

/** Makes entries: masked, bounded, nothing in them that is no field of the action. */
export type MakeAuditEntry = <A extends AuditAction>(
  action: A,
  facts: AuditFacts,
  details?: AuditDetails<A>,
) => AuditEntry;

/**
 * @param mask is applied to every text that a caller or an upstream may have made.
 * @param knowsAll whether the mask knows the secrets of all services; without, what may hold one of the others is left out.
 */
export function createEntryMaker(mask: MaskText, knowsAll: () => boolean = () => true): MakeAuditEntry {
  return (action, recorded, recordedDetails) => {
    const isKnown = knowsAll();
    const facts = isKnown ? recorded : { ...recorded, path: undefined, justification: undefined };
    const details = isKnown || !OF_CALLERS.has(action) ? recordedDetails : undefined;
    const maskText = maskFor(facts, mask);
    const text = (value: string | undefined, max: number): string | undefined =>
      value === undefined ? undefined : entryText(value, max, maskText);
    return {
      request_id: text(facts.request_id, ENTRY_LIMITS.name),
      token: text(facts.token, ENTRY_LIMITS.name),
      token_name: text(facts.token_name, ENTRY_LIMITS.name),
      action,
      service: text(facts.service, ENTRY_LIMITS.name),
      method: text(facts.method, ENTRY_LIMITS.name),
      path:
        facts.path === undefined || isUnmaskable(facts)
          ? undefined
          : targetOf(facts.decision)(facts.path, maskText),
      decision: facts.decision,
      rule: text(facts.rule, ENTRY_LIMITS.name),
      status: facts.status,
      code: facts.code,
      bytes_in: facts.bytes_in,
      bytes_out: facts.bytes_out,
      ms: facts.ms === undefined ? undefined : Math.round(facts.ms * 100) / 100,
      client: text(facts.client, ENTRY_LIMITS.name),
      justification: text(facts.justification, ENTRY_LIMITS.justification),
      details: details === undefined ? undefined : knownDetails(action, details, mask),
    };
  };
}

/** Whose details callers make. */
const OF_CALLERS: ReadonlySet<AuditAction> = new Set(["ssh.exec", "ssh.upload", "ssh.download"]);

/** While the vault is locked nobody knows what in the path of a refused request is a secret. */
function isUnmaskable({ decision, code }: AuditFacts): boolean {
  return decision === "deny" && code === "vault_locked";
}

/** Nearly no entry holds a secret: one look at all texts together, which does not join two of them to one, costs a fifth. */
function maskFor(facts: AuditFacts, mask: MaskText): MaskText {
  const { request_id: id = "", token = "", token_name: name = "", service = "", method = "" } = facts;
  const { path = "", rule = "", client = "", justification = "" } = facts;
  const all = [id, token, name, service, method, path, rule, client, justification].join(TEXT_END);
  return mask(all) === all ? unmasked : mask;
}

const TEXT_END = "\n";

function unmasked(text: string): string {
  return text;
}

function targetOf(decision: AuditFacts["decision"]): typeof entryTarget {
  return decision === "deny" ? refusedTarget : entryTarget;
}

/** Only what the table of actions has: an object may hold more than its type says. */
function knownDetails(
  action: AuditAction,
  given: Readonly<Record<string, unknown>>,
  mask: MaskText,
): Record<string, string | number | boolean> {
  const details: Record<string, string | number | boolean> = {};
  for (const [name, kind] of Object.entries(AUDIT_ACTIONS[action])) {
    const value = given[name];
    if (kind === "text" && typeof value === "string") {
      details[name] = entryText(value, ENTRY_LIMITS.detail, mask);
    } else if (
      (kind === "number" && typeof value === "number") ||
      (kind === "flag" && typeof value === "boolean")
    ) {
      details[name] = value;
    }
  }
  return details;
}
