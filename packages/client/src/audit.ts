import { arrayAnswer, numberField, objectAnswer, stringField } from "./answer.js";
import type { CallOptions } from "./call.js";
import type { Transport } from "./transport.js";

/** One line of the audit log. What else it has goes by its action. */
export interface AuditEntry {
  /** Its number in the log. */
  seq: number;
  /** RFC 3339, UTC. */
  time: string;
  action: string;
  decision?: "allow" | "deny";
  request_id?: string;
  token?: string;
  token_name?: string;
  service?: string;
  method?: string;
  path?: string;
  rule?: string;
  status?: number;
  code?: string;
  bytes_in?: number;
  bytes_out?: number;
  /** Milliseconds. */
  ms?: number;
  client?: string;
  justification?: string;
  details?: Record<string, string | number | boolean>;
  /** Of what only an unlocked vault does, without a MAC of this vault: somebody else wrote it. */
  unverified?: true;
  [field: string]: unknown;
}

export interface AuditPage {
  /** The newest first. */
  entries: AuditEntry[];
  /** `before` of the next page; absent at the end. */
  next?: number;
}

export interface AuditOptions extends CallOptions {
  /** At most 1000; 100 without it. */
  limit?: number | undefined;
  before?: number | undefined;
  service?: string | undefined;
  /** The start of a token's id. */
  token?: string | undefined;
  /** An action, or what is before its dot. */
  action?: string | undefined;
  decision?: "allow" | "deny" | undefined;
}

export async function listAudit(transport: Transport, options: AuditOptions = {}): Promise<AuditPage> {
  const { limit, before, service, token, action, decision, ...call } = options;
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ limit, before, service, token, action, decision })) {
    if (value !== undefined) query.set(name, String(value));
  }
  const target = query.size === 0 ? "/audit" : `/audit?${query.toString()}`;
  const page = objectAnswer(await transport.json({ ...call, method: "GET", target }));
  if (page.next !== undefined) numberField(page, "next");
  for (const entry of arrayAnswer(page.entries)) {
    numberField(entry, "seq");
    for (const field of ["time", "action"]) stringField(entry, field);
  }
  return page as unknown as AuditPage;
}
