import type { ControlPlaneApp, ControlPlaneParts } from "./control-plane.js";
import { errorResponses } from "./error-schema.js";
import { registerProxyDocumentation } from "./proxy-documentation.js";
import { BEARER_SCHEME } from "./route-documentation.js";

const TAGS = [
  { name: "health", description: "State of the vault" },
  { name: "auth", description: "Unlock, lock, password" },
  { name: "oauth2", description: "Logins at providers" },
  { name: "services", description: "APIs and the credentials that are injected into calls to them" },
  { name: "files", description: "Files that credentials refer to" },
  { name: "tokens", description: "Who may call" },
  { name: "policies", description: "What tokens may do" },
  { name: "audit", description: "What was done through the vault" },
  { name: "metrics", description: "What is counted of all that" },
  { name: "sessions", description: "Ports that are logged in to mail servers and databases" },
  { name: "proxy", description: "Calls through the vault" },
  { name: "ssh", description: "Commands, files and shells at servers" },
  { name: "documentation", description: "This document" },
];

const DESCRIPTION = `Calls APIs for agents that hold no credential: the vault keeps and injects them.

What the listener refuses before it looks at the route is an \`Error\` on every path: 400 for a request target or header
that is not HTTP, 403 for a request of a foreign page or a \`Host\` that is not served, 405 for CONNECT and TRACE, 417 for an
unknown \`Expect\`, 431 for headers that are too large, 503 for too many requests at once on a connection.`;

/** The generator writes the flag of a pattern behind it; JSON Schema knows such patterns only (draft 2020-12, Core §6.4). */
function withoutFlags(key: string, value: unknown): unknown {
  return key === "pattern" && typeof value === "string" ? value.replace(/\$\/u$/, "$") : value;
}

/** `GET /openapi.json`, made of the same schemas that validate the requests. Comes last: it lists all routes before it. */
export function registerOpenApiRoute(app: ControlPlaneApp, parts: Pick<ControlPlaneParts, "version">): void {
  app.openAPIRegistry.registerComponent("securitySchemes", BEARER_SCHEME, {
    type: "http",
    scheme: "bearer",
    description: "`tok_` and 43 base64url characters. An admin token may do everything.",
  });
  registerProxyDocumentation(app.openAPIRegistry);

  // A plain JSON schema: typing the document as a schema of ours would say nothing more.
  app.openAPIRegistry.registerPath({
    method: "get",
    path: "/openapi.json",
    operationId: "openApi",
    tags: ["documentation"],
    summary: "This API as an OpenAPI 3.1 document",
    responses: {
      200: {
        description: "An OpenAPI 3.1 document",
        content: { "application/json": { schema: { type: "object" } } },
      },
      ...errorResponses("internal"),
    },
  });
  let document: string | undefined;
  app.get("/openapi.json", (c) => {
    document ??= JSON.stringify(
      app.getOpenAPI31Document({
        openapi: "3.1.0",
        info: {
          title: "vault-proxy",
          version: parts.version,
          description: DESCRIPTION,
          license: { name: "MIT" },
        },
        tags: TAGS,
      }),
      withoutFlags,
    );
    c.header("Content-Type", "application/json");
    return c.body(document, 200);
  });
}
