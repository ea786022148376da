import { createRoute, z } from "@hono/zod-openapi";
import {
  readDefinitionFiles,
  serviceDefinitionSchema,
  serviceNameSchema,
  servicePatchSchema,
  serviceUpdateSchema,
  toServiceRecord,
  warningsOf,
  type ServiceRecord,
} from "../auth-strategies/service-definition.js";
import { withHostKeyOf } from "../auth-strategies/kept-host-key.js";
import { serviceInfoSchema, type ServiceInfo } from "../auth-strategies/service-info.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { ReadFile } from "../auth-strategies/auth-strategy.js";
import type { AuditTrail, ControlContext } from "./audit-trail.js";
import type { AccessRules } from "./authentication.js";
import type { ControlPlaneApp, ControlPlaneParts } from "./control-plane.js";
import { deletedSchema } from "./deleted-schema.js";
import { ADMIN_ERRORS, BODY_ERRORS, SAVE_ERRORS, TOKEN_ERRORS, errorResponses } from "./error-schema.js";
import { BEARER_SECURITY, jsonAnswer, jsonRequest, mergePatchRequest } from "./route-documentation.js";
import type { ServicePatchBody, ServiceUpdateBody } from "./service-update.js";
import { mergeServicePatch, mergeServiceUpdate } from "./service-update.js";
import { sortedByName } from "./sorted-services.js";
import { serviceInfoOf } from "./token-state.js";

const nameParams = z.strictObject({ name: serviceNameSchema });
/** The path's name wins, so that even an illegal one in the body is no fault. */
const ignoredName = z.string().optional().openapi({ description: "Ignored: the path's name counts." });
const sameName = z.string().optional().openapi({ description: "A service keeps its name: the path's." });
const updateBodySchema = z
  .strictObject({ ...serviceUpdateSchema.shape, name: ignoredName })
  .openapi("ServiceUpdate");
const patchBodySchema = z
  .strictObject({ ...servicePatchSchema.shape, name: sameName })
  .openapi("ServicePatch");
const MAX_UPDATE_TURNS = 20;
const noSuchService = (): VaultProxyError => new VaultProxyError("not_found", "no such service");

/** `/services` and `/services/{name}`. */
export function registerServiceRoutes(
  app: ControlPlaneApp,
  parts: ControlPlaneParts,
  access: AccessRules,
  trail: AuditTrail,
): void {
  const { services, log } = parts;
  const tellOfUpdate = async (
    c: ControlContext,
    record: ServiceRecord,
    body: ServicePatchBody,
  ): Promise<void> => {
    const { name: service, auth } = record;
    log.info({ service, auth_type: auth.type, by: c.get("token").id_prefix }, "service updated");
    const details = { auth_type: auth.type, changed: changedFields(body) };
    await trail.changed(c, "service.update", { status: 200, service }, details);
  };

  app.openapi(
    createRoute({
      method: "get",
      path: "/services",
      operationId: "listServices",
      tags: ["services"],
      summary: "List the services, without their secrets",
      security: BEARER_SECURITY,
      middleware: access.any,
      responses: {
        200: jsonAnswer(z.array(serviceInfoSchema), "Every service, by name"),
        ...errorResponses(...TOKEN_ERRORS),
      },
    }),
    (c) => {
      const records = sortedByName(services.records);
      return c.json(
        records.map((record) => serviceInfoOf(record, parts)),
        200,
      );
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/services/{name}",
      operationId: "getService",
      tags: ["services"],
      summary: "Show a service, without its secrets",
      security: BEARER_SECURITY,
      middleware: access.any,
      request: { params: nameParams },
      responses: {
        200: jsonAnswer(serviceInfoSchema, "The service"),
        ...errorResponses("invalid_request", "not_found", ...TOKEN_ERRORS),
      },
    }),
    (c) => {
      const record = services.records.get(c.req.valid("param").name);
      if (record === undefined) throw noSuchService();
      return c.json(serviceInfoOf(record, parts), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/services",
      operationId: "addService",
      tags: ["services"],
      summary: "Add a service, or replace the one of that name",
      security: BEARER_SECURITY,
      middleware: access.adminJson,
      request: { body: jsonRequest(serviceDefinitionSchema) },
      responses: {
        201: jsonAnswer(serviceInfoSchema, "The service as it is kept"),
        ...errorResponses(...ADMIN_ERRORS, ...BODY_ERRORS, ...SAVE_ERRORS),
      },
    }),
    async (c) => {
      const definition = await readDefinitionFiles(c.req.valid("json"), (file) =>
        parts.vault.files.read(file),
      );
      const defined = toServiceRecord(definition);
      const { record, isReplaced } = await services.change((records) => {
        const replaced = records.get(defined.name);
        const record = withHostKeyOf(replaced, defined);
        records.set(record.name, record);
        return { record, isReplaced: replaced !== undefined };
      });
      log.info(
        { service: record.name, auth_type: record.auth.type, by: c.get("token").id_prefix },
        isReplaced ? "service replaced" : "service added",
      );
      const details = { auth_type: record.auth.type, replaced: isReplaced };
      await trail.changed(c, "service.add", { status: 201, service: record.name }, details);
      return c.json(describeStored(record, parts), 201);
    },
  );

  app.openapi(
    createRoute({
      method: "put",
      path: "/services/{name}",
      operationId: "updateService",
      tags: ["services"],
      summary: "Change a service; a secret left out stays as it is while the auth type is the same",
      security: BEARER_SECURITY,
      middleware: access.adminJson,
      request: { params: nameParams, body: jsonRequest(updateBodySchema) },
      responses: {
        200: jsonAnswer(serviceInfoSchema, "The service as it is kept"),
        ...errorResponses("not_found", ...ADMIN_ERRORS, ...BODY_ERRORS, ...SAVE_ERRORS),
      },
    }),
    async (c) => {
      const { name } = c.req.valid("param");
      // The body as sent: the schema's output has defaults in place of what was left out.
      const body = await c.req.json<ServiceUpdateBody>();
      const record = await update(parts, name, (stored, readFile) =>
        mergeServiceUpdate(stored, body, readFile),
      );
      await tellOfUpdate(c, record, body);
      return c.json(describeStored(record, parts), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "patch",
      path: "/services/{name}",
      operationId: "patchService",
      tags: ["services"],
      summary: "Change what the body names of a service; all else stays, and null takes a field away",
      description:
        "As RFC 7396 has it. The credential stays too if base_url is changed to another host: calls take it there.",
      security: BEARER_SECURITY,
      middleware: access.adminMergePatch,
      request: { params: nameParams, body: mergePatchRequest(patchBodySchema) },
      responses: {
        200: jsonAnswer(serviceInfoSchema, "The service as it is kept"),
        ...errorResponses("not_found", ...ADMIN_ERRORS, ...BODY_ERRORS, ...SAVE_ERRORS),
      },
    }),
    async (c) => {
      const { name } = c.req.valid("param");
      // As sent, for the same reason.
      const body = await c.req.json<ServicePatchBody>();
      if (body.name !== undefined && body.name !== name)
        throw new VaultProxyError("invalid_request", "name: a service keeps its name");
      const record = await update(parts, name, (stored, readFile) =>
        mergeServicePatch(stored, body, readFile),
      );
      await tellOfUpdate(c, record, body);
      return c.json(describeStored(record, parts), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "delete",
      path: "/services/{name}",
      operationId: "removeService",
      tags: ["services"],
      summary: "Delete a service and its credential",
      security: BEARER_SECURITY,
      middleware: access.admin,
      request: { params: nameParams },
      responses: {
        200: jsonAnswer(deletedSchema, "The service is gone"),
        ...errorResponses("invalid_request", "not_found", ...ADMIN_ERRORS, ...SAVE_ERRORS),
      },
    }),
    async (c) => {
      const { name } = c.req.valid("param");
      const removed = await services.change((records) => {
        const record = records.get(name);
        if (record === undefined) throw noSuchService();
        records.delete(name);
        return record;
      });
      log.info({ service: name, by: c.get("token").id_prefix }, "service deleted");
      const details = { auth_type: removed.auth.type };
      await trail.changed(c, "service.remove", { status: 200, service: name }, details);
      return c.json({ status: "deleted" as const }, 200);
    },
  );
}

/**
 * What a definition takes from stored files is read before the change is made; a service that was changed meanwhile, by
 * a token refresh for example, is read again.
 */
async function update(
  { services, vault }: ControlPlaneParts,
  name: string,
  merge: (stored: ServiceRecord, readFile: ReadFile) => Promise<ServiceRecord>,
): Promise<ServiceRecord> {
  for (let turn = 0; turn < MAX_UPDATE_TURNS; turn += 1) {
    const stored = services.records.get(name);
    if (stored === undefined) throw noSuchService();
    const updated = await merge(stored, (file) => vault.files.read(file));
    const isDone = await services.change((records) => {
      if (records.get(name) !== stored) return false;
      records.set(name, updated);
      return true;
    });
    if (isDone) return updated;
  }
  throw new VaultProxyError("conflict", "this service is being changed by others; try again");
}

function describeStored(record: ServiceRecord, parts: ControlPlaneParts): ServiceInfo {
  const warnings = warningsOf(record);
  return { ...serviceInfoOf(record, parts), ...(warnings.length === 0 ? {} : { warnings: [...warnings] }) };
}

/** Names of what a request gives, those of the `auth` object too, and no values. The schema knows them all. */
function changedFields({ auth = {}, ...settings }: ServicePatchBody): string {
  const names = Object.keys(settings).filter((name) => name !== "name");
  return [...names, ...Object.keys(auth).map((name) => `auth.${name}`)].join(", ");
}
