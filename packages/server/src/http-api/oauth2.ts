import { createRoute, z } from "@hono/zod-openapi";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { callbackPage } from "../oauth2-flow/callback-pages.js";
import { FLOW_FAILURE_CODES } from "../oauth2-flow/flow-failure.js";
import { browserLoginSchema, deviceLoginSchema } from "../oauth2-flow/login-schema.js";
import { CALLBACK_PATH } from "../oauth2-flow/redirect-uri.js";
import type { AuditTrail } from "./audit-trail.js";
import type { AccessRules } from "./authentication.js";
import type { ControlPlaneApp, ControlPlaneParts } from "./control-plane.js";
import { ADMIN_ERRORS, BODY_ERRORS, errorResponses } from "./error-schema.js";
import { HTTP_API_LIMITS } from "./http-api-limits.js";
import { BEARER_SECURITY, jsonAnswer, jsonRequest } from "./route-documentation.js";

const flowId = z.string().openapi({ description: "Names the login at `/auth/oauth2/flows/{flow}`." });

const startedBrowserLoginSchema = z
  .strictObject({
    auth_url: z.string().openapi({ description: "What the person who logs in opens in a browser." }),
    state: z.string(),
    redirect_uri: z.string().openapi({ description: "Must be registered at the provider, byte for byte." }),
    message: z.string(),
    flow: flowId,
    expires_at: z.iso.datetime(),
  })
  .openapi("StartedBrowserLogin");

const startedDeviceLoginSchema = z
  .strictObject({
    user_code: z.string().openapi({ description: "What the person who logs in types." }),
    verification_uri: z.string().openapi({ description: "Where." }),
    verification_uri_complete: z.string().optional(),
    message: z.string(),
    flow: flowId,
    expires_at: z.iso.datetime(),
    interval: z.number().openapi({ description: "Seconds between two questions of the vault's." }),
  })
  .openapi("StartedDeviceLogin");

const flowStatusSchema = z
  .strictObject({
    status: z.enum(["pending", "done", "failed"]),
    service_name: z.string(),
    replaced: z
      .literal(true)
      .optional()
      .openapi({ description: "There was a service of that name before; of a login that is done." }),
    error: z.string().optional().openapi({ description: "One sentence for a person. Holds no secret." }),
    code: z.enum(FLOW_FAILURE_CODES).optional(),
  })
  .openapi("LoginStatus");

const cancelledSchema = z.strictObject({ status: z.literal("cancelled") }).openapi("Cancelled");

const PAGE = { "text/html": { schema: { type: "string" } } } as const;

const flowParams = z.strictObject({ flow: z.string().max(HTTP_API_LIMITS.flowIdCharacters) });
const noSuchFlow = (): VaultProxyError => new VaultProxyError("not_found", "no such login");

const PROVIDER_ERRORS = [
  "upstream_failed",
  "oauth2_refresh_failed",
  "upstream_timeout",
  "destination_blocked",
] as const;

const replacing = ({ replaces }: { readonly replaces: boolean }): string =>
  replaces ? " The service of that name, which exists already, will be replaced." : "";

/** `/auth/oauth2/…`: logins at providers. */
export function registerOAuth2Routes(
  app: ControlPlaneApp,
  parts: ControlPlaneParts,
  access: AccessRules,
  trail: AuditTrail,
): void {
  const { logins, log } = parts;

  app.openapi(
    createRoute({
      method: "post",
      path: "/auth/oauth2/authorize",
      operationId: "startBrowserLogin",
      tags: ["oauth2"],
      summary: "Begin a login in a browser, which ends in a service",
      security: BEARER_SECURITY,
      middleware: access.adminJson,
      request: { body: jsonRequest(browserLoginSchema) },
      responses: {
        200: jsonAnswer(startedBrowserLoginSchema, "The login may begin"),
        ...errorResponses(...ADMIN_ERRORS, ...BODY_ERRORS, "storage_failed"),
      },
    }),
    async (c) => {
      const request = c.req.valid("json");
      const started = await logins.startInBrowser(request, parts.addressOf(c));
      log.info({ service: request.service_name, by: c.get("token").id_prefix }, "login in a browser started");
      const outcome = { status: 200, service: request.service_name };
      await trail.changed(c, "oauth.login", outcome, { flow: "browser", step: "start" });
      const { authUrl, state, redirectUri, flow, expiresAt } = started;
      return c.json(
        {
          ...{ auth_url: authUrl, state, redirect_uri: redirectUri, flow },
          message: `Open auth_url in a browser and log in within five minutes.${replacing(started)}`,
          expires_at: new Date(expiresAt).toISOString(),
        },
        200,
      );
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: CALLBACK_PATH,
      operationId: "finishBrowserLogin",
      tags: ["oauth2"],
      summary: "Where providers send the browser back to: exchanges the code and shows a page",
      responses: {
        200: { description: "Done", content: PAGE },
        400: {
          description: "Refused at the provider; or the state is used, expired or unknown",
          content: PAGE,
        },
        423: { description: "The vault is locked", content: PAGE },
        502: { description: "The code was not exchanged, or no refresh token came with it", content: PAGE },
        ...errorResponses("method_not_allowed", "internal"),
      },
    }),
    async (c) => {
      // The framework lets HEAD through to GET: a look at a link must not use up the login.
      if (c.req.method !== "GET") {
        c.header("Allow", "GET");
        throw new VaultProxyError("method_not_allowed", "this path works with GET");
      }
      const query = new URL(c.req.url).search.slice(1);
      const page = callbackPage(await logins.complete(query));
      c.header("Content-Type", "text/html; charset=utf-8");
      c.header("Content-Security-Policy", page.contentSecurityPolicy);
      return c.body(page.body, page.status);
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/auth/oauth2/device",
      operationId: "startDeviceLogin",
      tags: ["oauth2"],
      summary: "Begin a login on another device, which ends in a service",
      security: BEARER_SECURITY,
      middleware: access.adminJson,
      request: { body: jsonRequest(deviceLoginSchema) },
      responses: {
        200: jsonAnswer(startedDeviceLoginSchema, "The person may log in"),
        ...errorResponses(...ADMIN_ERRORS, ...BODY_ERRORS, "storage_failed", ...PROVIDER_ERRORS),
      },
    }),
    async (c) => {
      const request = c.req.valid("json");
      const started = await logins.startOnDevice(request);
      log.info(
        { service: request.service_name, by: c.get("token").id_prefix },
        "login on another device started",
      );
      const outcome = { status: 200, service: request.service_name };
      await trail.changed(c, "oauth.login", outcome, { flow: "device", step: "start" });
      const { userCode, verificationUri, verificationUriComplete, flow, expiresAt, intervalMs } = started;
      return c.json(
        {
          user_code: userCode,
          verification_uri: verificationUri,
          ...(verificationUriComplete === undefined
            ? {}
            : { verification_uri_complete: verificationUriComplete }),
          message: `Open verification_uri on any device and enter user_code.${replacing(started)}`,
          flow,
          expires_at: new Date(expiresAt).toISOString(),
          interval: intervalMs / 1000,
        },
        200,
      );
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/auth/oauth2/flows/{flow}",
      operationId: "loginStatus",
      tags: ["oauth2"],
      summary: "Show how a login stands",
      security: BEARER_SECURITY,
      middleware: access.admin,
      request: { params: flowParams },
      responses: {
        200: jsonAnswer(flowStatusSchema, "How it stands, or ended within the last five minutes"),
        ...errorResponses("invalid_request", "not_found", ...ADMIN_ERRORS),
      },
    }),
    (c) => {
      const found = logins.statusOf(c.req.valid("param").flow);
      if (found === undefined) throw noSuchFlow();
      const { serviceName: service_name, ...shown } = found;
      if (shown.status !== "done") return c.json({ ...shown, service_name }, 200);
      const { status, replaced } = shown;
      return c.json({ status, service_name, ...(replaced ? { replaced } : {}) }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: "delete",
      path: "/auth/oauth2/flows/{flow}",
      operationId: "cancelLogin",
      tags: ["oauth2"],
      summary: "Cancel a login",
      security: BEARER_SECURITY,
      middleware: access.admin,
      request: { params: flowParams },
      responses: {
        200: jsonAnswer(cancelledSchema, "The login is not waited for any more"),
        ...errorResponses("invalid_request", "not_found", ...ADMIN_ERRORS),
      },
    }),
    async (c) => {
      const { flow } = c.req.valid("param");
      const service = logins.statusOf(flow)?.serviceName;
      if (!logins.cancel(flow)) throw noSuchFlow();
      log.info({ service, by: c.get("token").id_prefix }, "login cancelled");
      await trail.changed(c, "oauth.login", { status: 200, service }, { step: "cancel" });
      return c.json({ status: "cancelled" as const }, 200);
    },
  );
}
