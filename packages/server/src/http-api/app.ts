import { OpenAPIHono } from "@hono/zod-openapi";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { answerHeaders } from "./answer-headers.js";
import { registerAuditRoute } from "./audit.js";
import { createAuditTrail, noteStart } from "./audit-trail.js";
import { registerAuthRoutes } from "./auth.js";
import { createAccessRules, lockGuard } from "./authentication.js";
import type { ControlPlaneEnv, ControlPlaneParts } from "./control-plane.js";
import { createErrorAnswer } from "./error-answers.js";
import { registerFileRoutes } from "./files.js";
import { registerHostKeyRoutes } from "./host-keys.js";
import { registerHealthRoutes } from "./health.js";
import { registerMetricsRoute } from "./metrics.js";
import { createMethodTable } from "./method-table.js";
import { registerOAuth2Routes } from "./oauth2.js";
import { registerOpenApiRoute } from "./openapi.js";
import { registerPolicyRoutes } from "./policies.js";
import { registerPolicyTestRoute } from "./policy-test.js";
import { registerServiceRoutes } from "./services.js";
import { registerSessionRoutes } from "./sessions.js";
import { registerSshDownloadRoute } from "./ssh-download.js";
import { registerSshExecRoute } from "./ssh-exec.js";
import { registerSshUploadRoute } from "./ssh-upload.js";
import { registerSshSessionRoute } from "./ssh-session.js";
import { registerOwnTokenRoute } from "./own-token.js";
import { registerTokenChildRoute } from "./token-children.js";
import { registerTokenRoutes } from "./tokens.js";
import { refuseInvalid } from "./validation-hook.js";

export type { ControlPlaneLog, ControlPlaneParts } from "./control-plane.js";

export interface ControlPlane {
  /** Answers a request; `env` is what the Node adapter gives, for what `parts` ask of a request. Never rejects. */
  readonly fetch: (request: Request, env?: unknown) => Response | Promise<Response>;
  /** The same for a path, without a listener. */
  readonly request: (path: string, init?: RequestInit) => Response | Promise<Response>;
}

/**
 * Everything but `/proxy`: JSON, one resource a file. Checks come in this order: locked (423), token (401), scope (403),
 * body (413, 415, 400).
 */
export function createControlPlane(parts: ControlPlaneParts): ControlPlane {
  const app = new OpenAPIHono<ControlPlaneEnv>({ defaultHook: refuseInvalid });
  const trail = createAuditTrail({
    recorder: parts.audit.recorder,
    requestIdOf: parts.requestIdOf,
    clientOf: parts.clientOf,
  });
  const answerError = createErrorAnswer({
    ...{ log: parts.log, requestIdOf: parts.requestIdOf, trail },
    clock: parts.clock,
  });
  app.use("*", noteStart);
  app.onError((thrown, c) => answerError(c, thrown));
  app.use("*", answerHeaders({ requestIdOf: parts.requestIdOf, answerError }));
  app.use("*", lockGuard(parts.vault));

  const access = createAccessRules(parts.tokens, parts.audit.recorder);
  registerHealthRoutes(app, parts, access);
  registerAuthRoutes(app, parts, access, trail);
  registerOAuth2Routes(app, parts, access, trail);
  registerServiceRoutes(app, parts, access, trail);
  registerHostKeyRoutes(app, parts, access, trail);
  registerFileRoutes(app, parts, access, trail);
  // Before the route of any id, which it would be taken for.
  registerOwnTokenRoute(app, parts, access, trail);
  registerTokenRoutes(app, parts, access, trail);
  registerTokenChildRoute(app, parts, access, trail);
  registerPolicyTestRoute(app, parts, access);
  registerPolicyRoutes(app, parts, access, trail);
  registerAuditRoute(app, parts, access);
  registerMetricsRoute(app, parts, access);
  registerSessionRoutes(app, parts, access);
  registerSshExecRoute(app, parts, access);
  registerSshUploadRoute(app, parts, access);
  registerSshDownloadRoute(app, parts, access);
  registerSshSessionRoute(app, access);
  registerOpenApiRoute(app, parts);

  const allowedMethods = createMethodTable(app.routes.filter((route) => route.method !== "ALL"));
  app.notFound((c) => {
    const allowed = allowedMethods(c.req.path);
    if (allowed.length === 0) return answerError(c, new VaultProxyError("not_found", "no such path"));
    c.header("Allow", allowed.join(", "));
    return answerError(
      c,
      new VaultProxyError("method_not_allowed", `this path works with ${allowed.join(", ")}`),
    );
  });
  return {
    fetch: (request, env) => app.fetch(request, env),
    request: (path, init) => app.request(path, init),
  };
}
