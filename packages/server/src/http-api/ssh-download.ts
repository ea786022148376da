import { createRoute, z } from "@hono/zod-openapi";
import { sizeText } from "../errors/size-text.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { downloadFile } from "../ssh/ssh-download.js";
import { SSH_LIMITS } from "../ssh/ssh-limits.js";
import type { AccessRules } from "./authentication.js";
import { callerSignal } from "./caller-connection.js";
import { originOf } from "./call-origin.js";
import { attachmentDisposition } from "./content-disposition.js";
import type { ControlPlaneApp, ControlPlaneParts } from "./control-plane.js";
import { BODY_ERRORS, TOKEN_ERRORS, errorResponses } from "./error-schema.js";
import { BEARER_SECURITY, jsonRequest } from "./route-documentation.js";
import { SSH_ERRORS, sshServiceParams } from "./ssh-exec.js";
import { beginStreamedAnswer, STREAMED, type StreamedAnswer } from "./streamed-answer.js";

const downloadRequestSchema = z
  .strictObject({
    remote_path: z.string().openapi({ description: "Absolute.", example: "/var/log/app.log" }),
  })
  .openapi("SshDownloadRequest");

/** `POST /ssh/{service}/download` */
export function registerSshDownloadRoute(
  app: ControlPlaneApp,
  parts: ControlPlaneParts,
  access: AccessRules,
): void {
  app.openapi(
    createRoute({
      method: "post",
      path: "/ssh/{service}/download",
      operationId: "sshDownload",
      tags: ["ssh"],
      summary: "Read a file at a service's server",
      description:
        `Regular files of ${sizeText(SSH_LIMITS.fileBytes)} at most. An answer that breaks off before its Content-Length ` +
        "is not the whole file.",
      security: BEARER_SECURITY,
      middleware: access.anyJson,
      request: { params: sshServiceParams, body: jsonRequest(downloadRequestSchema) },
      responses: {
        200: {
          description: "The file's bytes",
          headers: { "Content-Disposition": { description: "`attachment`", schema: { type: "string" } } },
          content: { "application/octet-stream": { schema: { type: "string", format: "binary" } } },
        },
        ...errorResponses(...SSH_ERRORS, ...BODY_ERRORS, ...TOKEN_ERRORS),
      },
    }),
    async (c) => {
      const response = parts.responseOf(c);
      const caller = {
        token: c.get("token"),
        service: c.req.valid("param").service,
        action: "download" as const,
        details: { remotePath: c.req.valid("json").remote_path },
        origin: originOf(c, parts),
        signal: callerSignal(response),
      };
      let answer: StreamedAnswer | undefined;
      try {
        await parts.ssh.run(caller, (call) =>
          downloadFile(call, {
            remotePath: c.req.valid("json").remote_path,
            onStarted({ bytes, name }) {
              answer = beginStreamedAnswer(response, {
                "Content-Type": "application/octet-stream",
                "Content-Length": String(bytes),
                "Content-Disposition": attachmentDisposition(name),
                "X-Vault-Request-Id": parts.requestIdOf(c),
              });
            },
            takeContent: (piece) => inTime(answer?.write(piece), call.signal),
          }),
        );
      } catch (error) {
        if (answer === undefined) throw error;
        parts.log.warn(
          {
            ...{ request_id: parts.requestIdOf(c), service: caller.service },
            error: error instanceof VaultProxyError ? error.code : "internal",
          },
          "download broken off",
        );
        answer.breakOff();
        return STREAMED;
      }
      answer?.end();
      return STREAMED;
    },
  );
}

/** Waits for a caller that takes no more, but not for ever, and not after the end of its call. */
function inTime(taken: Promise<void> | undefined, signal: AbortSignal): Promise<void> | undefined {
  if (taken === undefined) return undefined;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    const timer = setTimeout(
      () => reject(new VaultProxyError("invalid_request", "the caller takes nothing any more")),
      SSH_LIMITS.callerIdleMs,
    );
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    void taken.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    });
  });
}
