import { createRoute, z } from "@hono/zod-openapi";
import { SESSION_PROTOCOLS } from "../auth-strategies/auth-strategy.js";
import { serviceNameSchema } from "../auth-strategies/service-definition.js";
import { MAX_CONNECTIONS } from "../auth-strategies/session-settings.js";
import { parseDuration } from "../config/duration.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { SessionIdentity, SessionState } from "../tcp-sessions/session-registry.js";
import type { TokenRecord } from "../tokens/token-record.js";
import { originOf } from "./call-origin.js";
import { justificationField, setJustification } from "./audit-trail.js";
import type { AccessRules } from "./authentication.js";
import type { ControlPlaneApp, ControlPlaneParts } from "./control-plane.js";
import { BODY_ERRORS, TOKEN_ERRORS, errorResponses } from "./error-schema.js";
import { BEARER_SECURITY, jsonAnswer, jsonRequest } from "./route-documentation.js";

const MAX_IDLE_MS = 24 * 3_600_000;

const serviceParams = z.strictObject({ service: serviceNameSchema });
const timeoutQuery = z.strictObject({
  timeout: z
    .string()
    .regex(/^[1-9]\d{0,4}$/, "must be whole seconds, from 1")
    .transform(Number)
    .optional()
    .openapi({
      type: "integer",
      description:
        "Seconds in which the client must connect: 30 by default, at most 300. With `max_connections` above 1: how long the session lives, at most 86400.",
    }),
});
const sessionRequestSchema = z
  .strictObject({
    max_connections: z.number().int().min(1).max(MAX_CONNECTIONS).optional().openapi({
      description: "1: one client in all. More: so many at a time, until the session expires.",
    }),
    require_password: z.boolean().optional().openapi({
      description: "Whether clients must log in with the user name and password that the answer then has.",
    }),
    justification: justificationField,
    idle_timeout: z
      .string()
      .transform((text, context) => {
        const milliseconds = parseDuration(text);
        if (milliseconds !== undefined && milliseconds >= 1000 && milliseconds <= MAX_IDLE_MS)
          return milliseconds;
        context.addIssue({ code: "custom", message: "must be a duration from 1s to 24h" });
        return z.NEVER;
      })
      .optional()
      .openapi({
        type: "string",
        description: "Without a byte either way, a connection is closed.",
        example: "10m",
      }),
  })
  .openapi("SessionRequest");

const openedSchema = z
  .strictObject({
    id: z.string().openapi({ example: "ses_AbCdEfGhIjKlMnOpQrStUv" }),
    addr: z.string().openapi({ example: "127.0.0.1:40123" }),
    expires_at: z.iso.datetime(),
    url: z
      .string()
      .openapi({ description: "What client libraries take; with the password if there is one." }),
    username: z.string().optional(),
    password: z.string().optional().openapi({ description: "Of this session only; shown this once." }),
  })
  .openapi("OpenedSession");

const sessionInfoSchema = z
  .strictObject({
    id: z.string(),
    protocol: z.enum(SESSION_PROTOCOLS),
    service: z.string(),
    addr: z.string(),
    token: z
      .string()
      .openapi({ description: "Prefix of the token that opened it.", example: "tok_AbCdEfGh..." }),
    opened_at: z.iso.datetime(),
    expires_at: z.iso.datetime(),
    max_connections: z.number(),
    connections: z.number().openapi({ description: "Open now." }),
    bytes_in: z.number().openapi({ description: "From clients." }),
    bytes_out: z.number().openapi({ description: "To clients." }),
  })
  .openapi("SessionInfo");

const idParams = z.strictObject({ id: z.string().max(64) });
const closedSchema = z.strictObject({ status: z.literal("closed") }).openapi("Closed");

/** `/{protocol}/{service}/session`, `/sessions` and `/sessions/{id}`. */
export function registerSessionRoutes(
  app: ControlPlaneApp,
  parts: ControlPlaneParts,
  access: AccessRules,
): void {
  const { sessions } = parts;

  for (const protocol of SESSION_PROTOCOLS) {
    app.openapi(
      createRoute({
        method: "post",
        path: `/${protocol}/{service}/session`,
        operationId: `open${protocol[0]?.toUpperCase() ?? ""}${protocol.slice(1)}Session`,
        tags: ["sessions"],
        summary: `Open a port that is logged in to a service of type ${protocol}`,
        security: BEARER_SECURITY,
        middleware: access.anyJson,
        request: {
          params: serviceParams,
          query: timeoutQuery,
          body: { ...jsonRequest(sessionRequestSchema), description: "May be left out." },
        },
        responses: {
          200: jsonAnswer(openedSchema, "Where the client may connect"),
          ...errorResponses(
            "not_found",
            "conflict",
            "rate_limited",
            "unavailable",
            "not_implemented",
            ...BODY_ERRORS,
            ...TOKEN_ERRORS,
          ),
        },
      }),
      async (c) => {
        const { timeout } = c.req.valid("query");
        const { max_connections, require_password, idle_timeout, justification } = c.req.valid("json");
        setJustification(c, justification);
        const opened = await sessions.open({
          protocol,
          service: c.req.valid("param").service,
          token: c.get("token"),
          origin: originOf(c, parts),
          openerUid: await parts.userIdOf(c),
          timeoutMs: timeout === undefined ? undefined : timeout * 1000,
          maxConnections: max_connections,
          requirePassword: require_password,
          idleTimeoutMs: idle_timeout,
        });
        const { id, addr, url, login } = opened;
        return c.json(
          {
            ...{ id, addr, expires_at: rfc3339(opened.expiresAt), url },
            ...(login === undefined ? {} : { username: login.username, password: login.password.reveal() }),
          },
          200,
        );
      },
    );
  }

  app.openapi(
    createRoute({
      method: "get",
      path: "/sessions",
      operationId: "listSessions",
      tags: ["sessions"],
      summary: "List the open sessions: an admin all, others their own",
      security: BEARER_SECURITY,
      middleware: access.any,
      responses: {
        200: jsonAnswer(z.array(sessionInfoSchema), "The open sessions, the oldest first"),
        ...errorResponses(...TOKEN_ERRORS),
      },
    }),
    (c) => {
      const token = c.get("token");
      return c.json(
        sessions
          .list()
          .filter((session) => mayManage(token, session))
          .map(toSessionInfo),
        200,
      );
    },
  );

  app.openapi(
    createRoute({
      method: "delete",
      path: "/sessions/{id}",
      operationId: "closeSession",
      tags: ["sessions"],
      summary: "Close a session and its connections",
      security: BEARER_SECURITY,
      middleware: access.any,
      request: { params: idParams },
      responses: {
        200: jsonAnswer(closedSchema, "The session is closed"),
        ...errorResponses("invalid_request", "not_found", ...TOKEN_ERRORS),
      },
    }),
    (c) => {
      const { id } = c.req.valid("param");
      const token = c.get("token");
      const known = sessions.list().find((session) => session.id === id);
      if (known === undefined || !mayManage(token, known))
        throw new VaultProxyError("not_found", "no such session");
      sessions.end(
        (session) => session.id === id,
        new VaultProxyError("not_found", "the session was closed"),
      );
      return c.json({ status: "closed" as const }, 200);
    },
  );
}

function mayManage(token: TokenRecord, session: SessionIdentity): boolean {
  return token.scope === "admin" || session.token.digest === token.digest;
}

function toSessionInfo(session: SessionState): z.output<typeof sessionInfoSchema> {
  return {
    id: session.id,
    protocol: session.protocol,
    service: session.service,
    addr: session.addr,
    token: `${session.token.id_prefix}...`,
    opened_at: rfc3339(session.openedAt),
    expires_at: rfc3339(session.expiresAt),
    max_connections: session.maxConnections,
    connections: session.connections,
    bytes_in: session.bytesIn,
    bytes_out: session.bytesOut,
  };
}

function rfc3339(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
