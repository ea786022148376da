import { createRoute, z } from "@hono/zod-openapi";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { MAX_TERMINAL_SIDE } from "../ssh/terminal-frames.js";
import type { AccessRules } from "./authentication.js";
import type { ControlPlaneApp } from "./control-plane.js";
import { errorResponses, TOKEN_ERRORS } from "./error-schema.js";
import { BEARER_SECURITY } from "./route-documentation.js";
import { SSH_ERRORS, sshServiceParams } from "./ssh-exec.js";

const side = (byDefault: number) =>
  z
    .string()
    .regex(/^[1-9]\d{0,3}$/, `must be a whole number from 1 to ${MAX_TERMINAL_SIDE}`)
    .transform(Number)
    .refine((value) => value <= MAX_TERMINAL_SIDE, `must be ${MAX_TERMINAL_SIDE} at most`)
    .optional()
    .openapi({ type: "integer", minimum: 1, maximum: MAX_TERMINAL_SIDE, default: byDefault });

export const DEFAULT_TERMINAL_SIZE = { cols: 80, rows: 24 } as const;

/** How large the terminal of a shell is at first. */
export const terminalSizeQuery = z.strictObject({
  cols: side(DEFAULT_TERMINAL_SIZE.cols),
  rows: side(DEFAULT_TERMINAL_SIZE.rows),
});

/** `GET /ssh/{service}/session`. As a WebSocket it never gets here: see `ssh-session-upgrade.ts`. */
export function registerSshSessionRoute(app: ControlPlaneApp, access: AccessRules): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/ssh/{service}/session",
      operationId: "sshSession",
      tags: ["ssh"],
      summary: "Open a shell in a terminal at a service's server, as a WebSocket",
      description:
        "A WebSocket (RFC 6455). The shell's output comes in binary messages. Text messages are its input, and a " +
        "binary message of the five bytes `01 colsHi colsLo rowsHi rowsLo` gives the terminal another size. When the " +
        'shell ends, the close code is 1000 and the reason `{"exit_code":…}`; docs/ssh-shell.md has the other codes.',
      security: BEARER_SECURITY,
      middleware: access.any,
      request: { params: sshServiceParams, query: terminalSizeQuery },
      responses: {
        101: { description: "The shell is there" },
        ...errorResponses(
          ...SSH_ERRORS,
          "invalid_request",
          "upgrade_required",
          "unavailable",
          ...TOKEN_ERRORS,
        ),
      },
    }),
    () => {
      throw new VaultProxyError("upgrade_required", "this is a WebSocket: ask for an upgrade to it");
    },
  );
}
