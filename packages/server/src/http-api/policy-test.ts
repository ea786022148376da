import { METHODS } from "node:http";
import { createRoute, z } from "@hono/zod-openapi";
import { serviceNameSchema } from "../auth-strategies/service-definition.js";
import { toVaultProxyError, VaultProxyError } from "../errors/vault-proxy-error.js";
import { assertSafePath, assertSafeQuery } from "../network/request-target.js";
import type { Action } from "../policies/action.js";
import { compilePolicy, decide } from "../policies/policy-decision.js";
import { POLICY_LIMITS } from "../policies/policy-limits.js";
import { RULE_ACTIONS, type PolicyContent } from "../policies/policy-schema.js";
import { cleanRemotePath, isForbiddenPath } from "../ssh-rules/remote-path.js";
import type { AccessRules } from "./authentication.js";
import type { ControlPlaneApp, ControlPlaneParts } from "./control-plane.js";
import { ADMIN_ERRORS, BODY_ERRORS, errorResponses } from "./error-schema.js";
import { BEARER_SECURITY, jsonAnswer, jsonRequest } from "./route-documentation.js";
import { policiesOf } from "./stored-policies.js";
import { tokenPolicySchema } from "./token-request.js";

/** What the data plane reads, and passes on: methods are case-sensitive (RFC 9110 §9.1). */
const METHOD_NAMES: ReadonlySet<string> = new Set(METHODS);
const NEVER_PASSED_ON: ReadonlySet<string> = new Set(["CONNECT", "TRACE"]);

const testRequestSchema = z
  .strictObject({
    policy: tokenPolicySchema,
    service: serviceNameSchema,
    method: z
      .string()
      .min(1)
      .max(POLICY_LIMITS.methodCharacters)
      .refine((method) => METHOD_NAMES.has(method), "must be a method in capital letters, such as GET")
      .optional(),
    path: z.string().startsWith("/", "must begin with /").optional().openapi({
      description: "Relative to the service, as it is sent. A query does not count.",
    }),
    action: z.enum(RULE_ACTIONS).optional().openapi({ description: "In the place of `method` and `path`." }),
    command: z.string().min(1, "must not be empty").optional(),
    remote_path: z.string().optional(),
  })
  .superRefine(({ method, path, action, command, remote_path }, context) => {
    const fault = (field: string, message: string): void =>
      context.addIssue({ code: "custom", path: [field], message });
    const isTransfer = action === "upload" || action === "download";
    if (action === undefined) {
      if (method === undefined) fault("method", "is required");
      if (path === undefined) fault("path", "is required");
    } else {
      if (method !== undefined) fault("method", "must not be given together with action");
      if (path !== undefined) fault("path", "must not be given together with action");
    }
    if ((action === "exec") !== (command !== undefined)) {
      fault("command", action === "exec" ? "is required" : "is for exec only");
    }
    if (isTransfer !== (remote_path !== undefined)) {
      fault("remote_path", isTransfer ? "is required" : "is for upload and download only");
    }
  })
  .openapi("PolicyTest");

const testAnswerSchema = z
  .strictObject({
    allowed: z.boolean(),
    rule: z.string().optional().openapi({
      description: "What allows it, counted from 1 as in the audit log.",
      example: "triage-bot/2",
    }),
    reason: z.string().optional().openapi({ description: "Why it is not allowed: a sentence for a person." }),
  })
  .openapi("PolicyVerdict");

/** `/policies/test`: what a policy would say, without a call. Limits do not count, the validity does. */
export function registerPolicyTestRoute(
  app: ControlPlaneApp,
  parts: ControlPlaneParts,
  access: AccessRules,
): void {
  app.openapi(
    createRoute({
      method: "post",
      path: "/policies/test",
      operationId: "testPolicy",
      tags: ["policies"],
      summary: "Tell whether a policy allows an action, without doing it",
      security: BEARER_SECURITY,
      middleware: access.adminJson,
      request: { body: jsonRequest(testRequestSchema) },
      responses: {
        200: jsonAnswer(testAnswerSchema, "The verdict"),
        ...errorResponses("not_found", ...ADMIN_ERRORS, ...BODY_ERRORS),
      },
    }),
    (c) => {
      const { policy, ...asked } = c.req.valid("json");
      const content = typeof policy === "string" ? storedPolicy(parts, policy) : policy;
      const decision = decide(compilePolicy(content), actionOf(asked), parts.clock());
      const reason = decision.allowed ? whyNeverDone(asked) : decision.reason;
      if (!decision.allowed || reason !== undefined) return c.json({ allowed: false, reason }, 200);
      const name = typeof policy === "string" ? policy : "rules";
      return c.json({ allowed: true, rule: `${name}/${decision.rule.index + 1}` }, 200);
    },
  );
}

function storedPolicy(parts: ControlPlaneParts, name: string): PolicyContent {
  const stored = policiesOf(parts).records.get(name);
  if (stored === undefined) throw new VaultProxyError("not_found", "no such policy");
  return stored;
}

/** Why what the policy allows would be refused all the same, at any service; undefined if it would not. */
function whyNeverDone({ method, path, remote_path: remotePath }: Asked): string | undefined {
  if (method !== undefined && NEVER_PASSED_ON.has(method)) return `${method} is not supported`;
  if (path !== undefined) {
    try {
      assertSafePath(withoutQuery(path));
      assertSafeQuery(path.slice(withoutQuery(path).length + 1));
    } catch (error) {
      return toVaultProxyError(error).message;
    }
  }
  if (remotePath === undefined) return undefined;
  const cleaned = cleanRemotePath(remotePath);
  if (!cleaned.ok) return `remote_path: ${cleaned.reason}`;
  return isForbiddenPath(cleaned.path)
    ? "remote_path: is in a directory that no transfer touches"
    : undefined;
}

function withoutQuery(path: string): string {
  return path.replace(/\?.*/s, "");
}

type Asked = Omit<z.output<typeof testRequestSchema>, "policy">;

function actionOf(asked: Asked): Action {
  const { service, method = "", path = "", action, command, remote_path } = asked;
  if (action === undefined) return { kind: "http", service, method, rawPath: withoutQuery(path) };
  return {
    ...{ kind: "ssh", service, action },
    ...(command === undefined ? {} : { command }),
    ...(remote_path === undefined ? {} : { remotePath: remote_path }),
  };
}
