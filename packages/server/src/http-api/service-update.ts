import type { ReadFile } from "../auth-strategies/auth-strategy.js";
import { inputOf } from "../auth-strategies/imported-service.js";
import type { AuthConfig, ServiceRecord } from "../auth-strategies/service-definition.js";
import {
  keptSecretFieldsOf,
  readDefinitionFiles,
  serviceDefinitionSchema,
  toServiceRecord,
} from "../auth-strategies/service-definition.js";
import { withHostKeyOf } from "../auth-strategies/kept-host-key.js";
import { withTokenOf } from "../auth-strategies/same-credential.js";
import { storedDefinition } from "../auth-strategies/stored-definition.js";
import { mergePatch } from "./merge-patch.js";
import { invalidRequest } from "./validation-message.js";

/** The body of a `PUT`, as sent, after the update schema accepted it. */
export interface ServiceUpdateBody {
  readonly [field: string]: unknown;
  readonly auth: Readonly<Record<string, unknown>> & { readonly type: string };
}

/** The body of a `PATCH`, as sent, after the patch schema accepted it. */
export interface ServicePatchBody {
  readonly [field: string]: unknown;
  readonly auth?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * The record that a `PUT` makes of the stored one: everything is the body's, but the name stays, and a secret that the
 * body leaves out is the stored one if the auth type is the same and the body names no file with it. The whole is validated as a new service would be.
 * An access token stays if it is still for the same credential, and a host key if it is still the same server.
 * @throws VaultProxyError `invalid_request` that names the field.
 */
export async function mergeServiceUpdate(
  stored: ServiceRecord,
  body: ServiceUpdateBody,
  readFile: ReadFile,
): Promise<ServiceRecord> {
  const definition = {
    ...body,
    name: stored.name,
    auth: { ...keptSecrets(stored, body.auth), ...body.auth },
  };
  return changedRecord(stored, definition, readFile);
}

/**
 * The record that a `PATCH` makes of the stored one: what the body names is the body's, and all else stays (RFC 7396).
 * Of another auth type the body has the whole of it. The rest is as for {@link mergeServiceUpdate}.
 * @throws VaultProxyError `invalid_request` that names the field.
 */
export async function mergeServicePatch(
  stored: ServiceRecord,
  body: ServicePatchBody,
  readFile: ReadFile,
): Promise<ServiceRecord> {
  const { auth = {} } = body;
  const patch = { ...body, name: stored.name, auth: { ...auth, type: auth.type ?? stored.auth.type } };
  return changedRecord(stored, mergePatch(storedDefinition(stored, auth), patch), readFile);
}

async function changedRecord(
  stored: ServiceRecord,
  definition: unknown,
  readFile: ReadFile,
): Promise<ServiceRecord> {
  const parsed = serviceDefinitionSchema.safeParse(definition);
  if (!parsed.success) throw invalidRequest(parsed.error.issues, definition);
  const changed = toServiceRecord(await readDefinitionFiles(parsed.data, readFile));
  return withHostKeyOf(stored, withTokenOf(stored, changed));
}

function keptSecrets(record: ServiceRecord, auth: AuthConfig): Partial<AuthConfig> {
  const keptFields = new Set(keptSecretFieldsOf(record, auth));
  return Object.fromEntries(
    Object.entries(record.auth)
      .filter(([field]) => keptFields.has(field))
      .map(([field, value]) => [field, inputOf(value)]),
  );
}
