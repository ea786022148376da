import type { AuditAction } from "./audit-action.js";
import { createEntryMaker, type AuditEntry, type AuditFacts, type MakeAuditEntry } from "./audit-entry.js";
import { ENTRY_LIMITS } from "./audit-limits.js";
import { entryTarget, holdsToken, type MaskText } from "./entry-text.js";
import { jsonMembers } from "./json-members.js";

/** The facts of something that was recorded, and how an entry or a line is made of them. */
export interface RecordedFacts {
  readonly action: AuditAction;
  readonly facts: AuditFacts;
  readonly details: Readonly<Record<string, string | number | boolean | undefined>> | undefined;
}

/** What makes what was recorded safe to be written. */
export interface LineMaker {
  readonly entry: MakeAuditEntry;
  /** The members of the same entry's JSON object, as `jsonMembers` writes them. */
  members(recorded: RecordedFacts): string;
}

/**
 * An entry that is not made yet: made with many others behind each other, it costs a third of what it does between two steps
 * of a call. The facts must not change meanwhile, and nothing that the maker masks may be forgotten.
 */
export class UnmadeEntry implements RecordedFacts {
  readonly action: AuditAction;
  readonly facts: AuditFacts;
  readonly details: RecordedFacts["details"];
  readonly #maker: LineMaker;

  constructor(maker: LineMaker, action: AuditAction, facts: AuditFacts, details: RecordedFacts["details"]) {
    this.#maker = maker;
    this.action = action;
    this.facts = facts;
    this.details = details;
  }

  make(): AuditEntry {
    return this.#maker.entry(this.action, this.facts, this.details);
  }

  members(): string {
    return this.#maker.members(this);
  }
}

/**
 * @param mask is applied to every text that a caller or an upstream may have made.
 * @param knowsAll whether the mask knows the secrets of all services; without, what may hold one of the others is left out.
 */
export function createLineMaker(mask: MaskText, knowsAll: () => boolean = () => true): LineMaker {
  const entry = createEntryMaker(mask, knowsAll);
  return {
    entry,
    members: (recorded) =>
      (knowsAll() ? plainMembers(recorded, mask) : undefined) ??
      jsonMembers(entry(recorded.action, recorded.facts, recorded.details)),
  };
}

/** Nine lines of what JSON and terminals take as it is: printable ASCII without `"` and `\`. A text with a line feed makes ten. */
const NINE_PLAIN_LINES = /^[ !#-[\]-~]*(?:\n[ !#-[\]-~]*){8}$/;

/** Hundredths of it are counted exactly. */
const PLAIN_NUMBER = 1e13;

/** Most entries: nothing in their texts is masked, cut or escaped, so that they can be put together as they are. */
function plainMembers({ action, facts, details }: RecordedFacts, mask: MaskText): string | undefined {
  if (facts.decision !== "allow" || details !== undefined) return undefined;
  const { request_id: id, token, token_name: name, service, method, rule, client, justification } = facts;
  const { status, code, bytes_in: bytesIn, bytes_out: bytesOut, ms } = facts;
  const path = facts.path?.includes("?") === true ? entryTarget(facts.path, unmasked) : facts.path;
  // One look at all texts, which does not join two of them to one.
  const all = `${id ?? ""}\n${token ?? ""}\n${name ?? ""}\n${service ?? ""}\n${method ?? ""}\n${path ?? ""}\n${rule ?? ""}\n${client ?? ""}\n${justification ?? ""}`;
  if (
    (all.length > ENTRY_LIMITS.name && isCut(facts, path)) ||
    all.includes("%") ||
    holdsToken(all) ||
    // Not so of what is no number either.
    !((status ?? 0) + (bytesIn ?? 0) + (bytesOut ?? 0) + Math.abs(ms ?? 0) <= PLAIN_NUMBER) ||
    !NINE_PLAIN_LINES.test(all) ||
    mask(all) !== all
  )
    return undefined;
  return (
    (id === undefined ? "" : `"request_id":"${id}",`) +
    (token === undefined ? "" : `"token":"${token}",`) +
    (name === undefined ? "" : `"token_name":"${name}",`) +
    `"action":"${action}",` +
    (service === undefined ? "" : `"service":"${service}",`) +
    (method === undefined ? "" : `"method":"${method}",`) +
    (path === undefined ? "" : `"path":"${path}",`) +
    `"decision":"allow"` +
    (rule === undefined ? "" : `,"rule":"${rule}"`) +
    (status === undefined ? "" : `,"status":${String(status)}`) +
    (code === undefined ? "" : `,"code":"${code}"`) +
    (bytesIn === undefined ? "" : `,"bytes_in":${String(bytesIn)}`) +
    (bytesOut === undefined ? "" : `,"bytes_out":${String(bytesOut)}`) +
    (ms === undefined ? "" : `,"ms":${hundredthsText(Math.round(ms * 100))}`) +
    (client === undefined ? "" : `,"client":"${client}"`) +
    (justification === undefined ? "" : `,"justification":"${justification}"`)
  );
}

/** Of a count of hundredths as `String(count / 100)` writes it: that takes a microsecond, since it looks for the shortest digits. */
function hundredthsText(count: number): string {
  if (count < 0) return String(count / 100);
  const whole = Math.floor(count / 100);
  const rest = count - whole * 100;
  if (rest === 0) return String(whole);
  if (rest % 10 === 0) return `${String(whole)}.${String(rest / 10)}`;
  return `${String(whole)}.${rest < 10 ? "0" : ""}${String(rest)}`;
}

function isCut({ justification, ...facts }: AuditFacts, path: string | undefined): boolean {
  const names = [facts.request_id, facts.token, facts.token_name, facts.service, facts.method];
  return (
    [...names, facts.rule, facts.client].some((name = "") => name.length > ENTRY_LIMITS.name) ||
    (path ?? "").length > ENTRY_LIMITS.path ||
    (justification ?? "").length > ENTRY_LIMITS.justification
  );
}

function unmasked(text: string): string {
  return text;
}
