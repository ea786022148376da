import { inputOf } from "./imported-service.js";
import { AUTH_STRATEGIES } from "./registry.js";
import { renewalOf, sshUseOf, type AuthConfig, type ServiceRecord } from "./service-definition.js";

/**
 * A stored service as an admin would define it, for a change to be put on: without the access token that the server got
 * by itself, and without the host key that it kept, which go back to where they are still right. Its secrets are revealed.
 * @param change the `auth` object of the change: of another type, nothing of the stored one is left; a secret in it
 * goes before a file, and a file before a secret, that the stored one has in its place
 */
export function storedDefinition(
  record: ServiceRecord,
  change: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const { unchecked: _, auth, ...settings } = record;
  const { type } = auth;
  const input = inputOf(settings) as Record<string, unknown>;
  if (change.type !== undefined && change.type !== type) return { ...input, auth: {} };
  const bare = sshUseOf(record)?.withHostKey(auth, undefined) ?? auth;
  const given = givenFields(record, change);
  const fields = Object.entries(bare).filter(([field]) => given.has(field));
  return { ...input, auth: inputOf(Object.fromEntries(fields)) };
}

/** Names of the `auth` fields that an admin gives, but for those that the change has something else in the place of. */
function givenFields(record: ServiceRecord, change: Readonly<Record<string, unknown>>): ReadonlySet<string> {
  const strategy = AUTH_STRATEGIES.find(({ type }) => type === record.auth.type);
  const fields = new Set(Object.keys(strategy?.schema.shape ?? record.auth));
  for (const field of renewalOf(record)?.keptFields ?? []) fields.delete(field);
  for (const [secret, file] of Object.entries(strategy?.secretFiles ?? {})) {
    if (isGiven(change, file)) fields.delete(secret);
    if (isGiven(change, secret)) fields.delete(file);
  }
  return fields;
}

function isGiven(change: Partial<AuthConfig>, field: string): boolean {
  return change[field] !== undefined && change[field] !== null;
}
