import { inputOf } from "../auth-strategies/imported-service.js";
import type { AuthConfig, ServiceRecord } from "../auth-strategies/service-definition.js";
import {
  secretFieldsOf,
  serviceDefinitionSchema,
  toServiceRecord,
} from "../auth-strategies/service-definition.js";
import { invalidRequest } from "./validation-message.js";

/** The body of a `PUT`, as sent, after the update schema accepted it. */
export interface ServiceUpdateBody {
  readonly [field: string]: unknown;
  readonly auth: Readonly<Record<string, unknown>> & { readonly type: string };
}

/**
 * The record that a `PUT` makes of the stored one: everything is the body's, but the name stays, and a secret that the
 * body leaves out is the stored one if the auth type is the same. The whole is validated as a new service would be.
 * @throws VaultProxyError `invalid_request` that names the field.
 */
export function mergeServiceUpdate(stored: ServiceRecord, body: ServiceUpdateBody): ServiceRecord {
  const kept = stored.auth.type === body.auth.type ? storedSecrets(stored) : {};
  const definition = { ...body, name: stored.name, auth: { ...kept, ...body.auth } };
  const parsed = serviceDefinitionSchema.safeParse(definition);
  if (!parsed.success) throw invalidRequest(parsed.error.issues, definition);
  return toServiceRecord(parsed.data);
}

function storedSecrets(record: ServiceRecord): Partial<AuthConfig> {
  const secretFields = new Set(secretFieldsOf(record));
  return Object.fromEntries(
    Object.entries(record.auth)
      .filter(([field]) => secretFields.has(field))
      .map(([field, value]) => [field, inputOf(value)]),
  );
}
