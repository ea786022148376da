import { createRoute, z } from "@hono/zod-openapi";
import { hostKeySchema } from "../auth-strategies/host-key-schema.js";
import { serviceNameSchema, sshUseOf, type ServiceRecord } from "../auth-strategies/service-definition.js";
import { serviceInfoSchema } from "../auth-strategies/service-info.js";
import { savedFingerprint } from "../auth-strategies/ssh-host-key.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { AuditTrail } from "./audit-trail.js";
import type { AccessRules } from "./authentication.js";
import type { ControlPlaneApp, ControlPlaneParts } from "./control-plane.js";
import { ADMIN_ERRORS, BODY_ERRORS, SAVE_ERRORS, errorResponses } from "./error-schema.js";
import { BEARER_SECURITY, jsonAnswer, jsonRequest } from "./route-documentation.js";
import { serviceInfoOf } from "./token-state.js";

const nameParams = z.strictObject({ name: serviceNameSchema });
const pinSchema = z.strictObject({ host_key: hostKeySchema }).openapi("HostKeyPin");

/** `/services/{name}/host-key`: which server a service of type `ssh_key` trusts. */
export function registerHostKeyRoutes(
  app: ControlPlaneApp,
  parts: ControlPlaneParts,
  access: AccessRules,
  trail: AuditTrail,
): void {
  const { services, log } = parts;
  /** @returns the service as it is kept, and the fingerprint that was kept before */
  const keep = async (
    name: string,
    hostKey: string | undefined,
  ): Promise<{ record: ServiceRecord; previous: string | undefined }> =>
    services.change((records) => {
      const record = records.get(name);
      if (record === undefined) throw new VaultProxyError("not_found", "no such service");
      const use = sshUseOf(record);
      if (use === undefined || record.unchecked === true) {
        throw new VaultProxyError(
          "invalid_request",
          "this service has no host key: it is not of type ssh_key",
        );
      }
      const changed = { ...record, auth: use.withHostKey(record.auth, hostKey) };
      records.set(name, changed);
      const former = use.access(record.auth).hostKey;
      return { record: changed, previous: former === undefined ? undefined : savedFingerprint(former) };
    });

  app.openapi(
    createRoute({
      method: "put",
      path: "/services/{name}/host-key",
      operationId: "setHostKey",
      tags: ["ssh"],
      summary: "Pin the host key of a service's server",
      description:
        "From now on only a server that has this key is connected to. Connections to another are closed.",
      security: BEARER_SECURITY,
      middleware: access.adminJson,
      request: { params: nameParams, body: jsonRequest(pinSchema) },
      responses: {
        200: jsonAnswer(serviceInfoSchema, "The service as it is kept"),
        ...errorResponses("not_found", ...ADMIN_ERRORS, ...BODY_ERRORS, ...SAVE_ERRORS),
      },
    }),
    async (c) => {
      const { name } = c.req.valid("param");
      const { host_key: hostKey } = c.req.valid("json");
      const { record, previous } = await keep(name, hostKey);
      log.info(
        { service: name, fingerprint: savedFingerprint(hostKey), by: c.get("token").id_prefix },
        "host key pinned",
      );
      const details = { fingerprint: savedFingerprint(hostKey), previous };
      await trail.changed(c, "host_key.pin", { status: 200, service: name }, details);
      return c.json(serviceInfoOf(record, parts), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "delete",
      path: "/services/{name}/host-key",
      operationId: "clearHostKey",
      tags: ["ssh"],
      summary:
        "Forget the host key of a service's server: the next connection trusts the one that it is shown",
      security: BEARER_SECURITY,
      middleware: access.admin,
      request: { params: nameParams },
      responses: {
        200: jsonAnswer(serviceInfoSchema, "The service as it is kept"),
        ...errorResponses("invalid_request", "not_found", ...ADMIN_ERRORS, ...SAVE_ERRORS),
      },
    }),
    async (c) => {
      const { name } = c.req.valid("param");
      const { record, previous } = await keep(name, undefined);
      log.info({ service: name, by: c.get("token").id_prefix }, "host key cleared");
      await trail.changed(c, "host_key.clear", { status: 200, service: name }, { fingerprint: previous });
      return c.json(serviceInfoOf(record, parts), 200);
    },
  );
}
