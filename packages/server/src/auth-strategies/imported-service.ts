import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { Secret } from "../redaction/secret.js";
import { AUTH_STRATEGIES } from "./registry.js";
import { serviceDefinitionSchema, toServiceRecord, type ServiceRecord } from "./service-definition.js";

/**
 * The record of a service that no admin of this server defined: the same as if one had, or, where this version does not
 * take it, the service as it came, marked as unchecked, so that nothing is lost.
 */
export function asImported(service: ServiceRecord): ServiceRecord {
  return parse(service).record ?? { ...service, unchecked: true };
}

/**
 * A record that calls can be made with. One that was not taken when it came may be by now, for a later version knows
 * more auth types.
 *
 * @throws VaultProxyError `conflict` that names the fields in the way; `not_implemented` for an unknown auth type.
 */
export function usableRecord(record: ServiceRecord): ServiceRecord {
  if (record.unchecked !== true) return record;
  const { record: checked, fields } = parse(record);
  if (checked !== undefined) return checked;
  if (!isKnownType(record.auth.type)) {
    throw new VaultProxyError(
      "not_implemented",
      `auth type ${record.auth.type || "(none)"} is not known to this version`,
    );
  }
  throw new VaultProxyError(
    "conflict",
    `this service was taken over from another server and cannot be used as it is: see ${fields.join(", ")}`,
  );
}

/** Why a service is unchecked, for the log: the fields in the way. */
export function obstaclesOf(record: ServiceRecord): readonly string[] {
  return record.unchecked === true ? parse(record).fields : [];
}

interface Parsed {
  readonly record?: ServiceRecord;
  /** Dotted names of the fields that were refused. */
  readonly fields: readonly string[];
}

function parse({ unchecked: _, ...service }: ServiceRecord): Parsed {
  const auth = inputOf(service.auth) as Record<string, unknown>;
  const parsed = serviceDefinitionSchema.safeParse({
    ...(inputOf(service) as object),
    auth: withKnownFields(auth),
  });
  if (!parsed.success) {
    const paths = parsed.error.issues.map(({ path }) => path.map(String).slice(0, 2).join("."));
    return { fields: [...new Set(paths)] };
  }
  try {
    return { record: toServiceRecord(parsed.data), fields: [] };
  } catch (error) {
    if (!(error instanceof VaultProxyError)) throw error;
    return { fields: [error.message.split(":", 1)[0] ?? "base_url"] };
  }
}

/** A field that the auth type does not have is left out: the server it came from did not use it either. */
function withKnownFields(auth: Record<string, unknown>): Record<string, unknown> {
  const strategy = AUTH_STRATEGIES.find(({ type }) => type === auth.type);
  if (strategy === undefined) return auth;
  return Object.fromEntries(Object.entries(auth).filter(([field]) => field in strategy.schema.shape));
}

function isKnownType(type: string): boolean {
  return AUTH_STRATEGIES.some((strategy) => strategy.type === type);
}

/** A stored value as a schema takes it: secrets revealed, at any depth. */
export function inputOf(value: unknown): unknown {
  if (value instanceof Secret) return value.reveal();
  if (Array.isArray(value)) return value.map(inputOf);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, inputOf(inner)]));
}
