import { createRoute, z } from "@hono/zod-openapi";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { policyNameSchema, policySchema, type Policy } from "../policies/policy-schema.js";
import type { PolicyRecord } from "../policies/policy-record.js";
import type { AuditTrail } from "./audit-trail.js";
import type { AccessRules } from "./authentication.js";
import type { ControlPlaneApp, ControlPlaneParts } from "./control-plane.js";
import { deletedSchema } from "./deleted-schema.js";
import { ADMIN_ERRORS, BODY_ERRORS, SAVE_ERRORS, errorResponses } from "./error-schema.js";
import { YAML_MEDIA_TYPE } from "./policy-body.js";
import { BEARER_SECURITY, jsonAnswer, jsonRequest } from "./route-documentation.js";
import { policiesOf } from "./stored-policies.js";

const storedPolicySchema = z
  .strictObject({
    ...policySchema.shape,
    version: z.int().openapi({ description: "Counts its changes, from 1." }),
    updated_at: z.iso.datetime(),
  })
  .openapi("StoredPolicy");

/** The path's name wins, so that even an illegal one in the body is no fault. */
const updateBodySchema = z
  .strictObject({
    ...policySchema.shape,
    name: z.string().optional().openapi({ description: "Ignored: the path's name counts." }),
  })
  .openapi("PolicyUpdate");

const nameParams = z.strictObject({ name: policyNameSchema });

const removalQuery = z.strictObject({
  force: z.enum(["true", "false"]).optional().openapi({
    description: "`true` deletes a policy that tokens have: they may do nothing then.",
  }),
});

/** The body as JSON, or the same as YAML, which the guard before the validation makes JSON of. */
function policyRequest<S extends z.ZodType>(schema: S): ReturnType<typeof jsonRequest<S>> {
  const content = {
    "application/json": { schema },
    [YAML_MEDIA_TYPE]: { schema: { type: "string" as const } },
  };
  return { ...jsonRequest(schema), content };
}

const noSuchPolicy = (): VaultProxyError => new VaultProxyError("not_found", "no such policy");

/** `/policies` and `/policies/{name}`. */
export function registerPolicyRoutes(
  app: ControlPlaneApp,
  parts: ControlPlaneParts,
  access: AccessRules,
  trail: AuditTrail,
): void {
  const { tokens, log } = parts;
  const policies = policiesOf(parts);
  const successorOf = (policy: Policy, former: PolicyRecord | undefined): PolicyRecord => ({
    ...policy,
    version: (former?.version ?? 0) + 1,
    updated_at: new Date(parts.clock()).toISOString(),
  });

  app.openapi(
    createRoute({
      method: "get",
      path: "/policies",
      operationId: "listPolicies",
      tags: ["policies"],
      summary: "List the policies",
      security: BEARER_SECURITY,
      middleware: access.admin,
      responses: {
        200: jsonAnswer(z.array(storedPolicySchema), "Every policy, by name"),
        ...errorResponses(...ADMIN_ERRORS),
      },
    }),
    (c) => {
      const records = [...policies.records.values()];
      return c.json(
        records.sort((a, b) => (a.name < b.name ? -1 : 1)),
        200,
      );
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/policies/{name}",
      operationId: "getPolicy",
      tags: ["policies"],
      summary: "Show a policy",
      security: BEARER_SECURITY,
      middleware: access.admin,
      request: { params: nameParams },
      responses: {
        200: jsonAnswer(storedPolicySchema, "The policy"),
        ...errorResponses("invalid_request", "not_found", ...ADMIN_ERRORS),
      },
    }),
    (c) => {
      const record = policies.records.get(c.req.valid("param").name);
      if (record === undefined) throw noSuchPolicy();
      return c.json(record, 200);
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/policies",
      operationId: "addPolicy",
      tags: ["policies"],
      summary: "Add a policy, or replace the one of that name",
      security: BEARER_SECURITY,
      middleware: access.adminPolicy,
      request: { body: policyRequest(policySchema) },
      responses: {
        201: jsonAnswer(storedPolicySchema, "The policy as it is kept"),
        ...errorResponses(...ADMIN_ERRORS, ...BODY_ERRORS, ...SAVE_ERRORS),
      },
    }),
    async (c) => {
      const policy = c.req.valid("json");
      const record = await policies.change((records) => {
        const successor = successorOf(policy, records.get(policy.name));
        records.set(policy.name, successor);
        return successor;
      });
      const { name, version } = record;
      log.info(
        { policy: name, version, by: c.get("token").id_prefix },
        version === 1 ? "policy added" : "policy replaced",
      );
      const action = version === 1 ? "policy.add" : "policy.update";
      await trail.changed(c, action, { status: 201 }, { policy: name, version });
      return c.json(record, 201);
    },
  );

  app.openapi(
    createRoute({
      method: "put",
      path: "/policies/{name}",
      operationId: "updatePolicy",
      tags: ["policies"],
      summary: "Replace a policy: at once for every token that has it",
      security: BEARER_SECURITY,
      middleware: access.adminPolicy,
      request: { params: nameParams, body: policyRequest(updateBodySchema) },
      responses: {
        200: jsonAnswer(storedPolicySchema, "The policy as it is kept"),
        ...errorResponses("not_found", ...ADMIN_ERRORS, ...BODY_ERRORS, ...SAVE_ERRORS),
      },
    }),
    async (c) => {
      const { name } = c.req.valid("param");
      const policy = { ...c.req.valid("json"), name };
      const record = await policies.change((records) => {
        const former = records.get(name);
        if (former === undefined) throw noSuchPolicy();
        const successor = successorOf(policy, former);
        records.set(name, successor);
        return successor;
      });
      log.info({ policy: name, version: record.version, by: c.get("token").id_prefix }, "policy replaced");
      const details = { policy: name, version: record.version };
      await trail.changed(c, "policy.update", { status: 200 }, details);
      return c.json(record, 200);
    },
  );

  app.openapi(
    createRoute({
      method: "delete",
      path: "/policies/{name}",
      operationId: "removePolicy",
      tags: ["policies"],
      summary: "Delete a policy that no token has",
      security: BEARER_SECURITY,
      middleware: access.admin,
      request: { params: nameParams, query: removalQuery },
      responses: {
        200: jsonAnswer(deletedSchema, "The policy is gone"),
        ...errorResponses("invalid_request", "not_found", ...ADMIN_ERRORS, ...SAVE_ERRORS),
      },
    }),
    async (c) => {
      const { name } = c.req.valid("param");
      const isForced = c.req.valid("query").force === "true";
      await policies.change((records) => {
        if (!records.has(name)) throw noSuchPolicy();
        const holders = tokens.list().filter(({ policy }) => policy === name).length;
        if (holders > 0 && !isForced) {
          throw new VaultProxyError(
            "conflict",
            holders === 1 ? "1 token has this policy" : `${holders} tokens have this policy`,
          );
        }
        records.delete(name);
      });
      log.info({ policy: name, by: c.get("token").id_prefix }, "policy deleted");
      await trail.changed(c, "policy.remove", { status: 200 }, { policy: name });
      return c.json({ status: "deleted" as const }, 200);
    },
  );
}
