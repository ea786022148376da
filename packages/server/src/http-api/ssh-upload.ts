import { createRoute, z } from "@hono/zod-openapi";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { SshCall } from "../ssh/ssh-calls.js";
import { SSH_LIMITS } from "../ssh/ssh-limits.js";
import { uploadFile } from "../ssh/ssh-upload.js";
import { requireTransfers } from "../ssh/transfer-rules.js";
import type { AccessRules } from "./authentication.js";
import { callerSignal } from "./caller-connection.js";
import { originOf } from "./call-origin.js";
import type { ControlPlaneApp, ControlPlaneParts } from "./control-plane.js";
import { BODY_ERRORS, TOKEN_ERRORS, errorResponses } from "./error-schema.js";
import { formBoundary, readFormParts } from "./form-parts.js";
import { HTTP_API_LIMITS } from "./http-api-limits.js";
import { streamBody } from "./request-body.js";
import { BEARER_SECURITY, jsonAnswer } from "./route-documentation.js";
import { SSH_ERRORS, sshServiceParams } from "./ssh-exec.js";
import { fileTooLarge, withUploadForm, type HoldInMemory } from "./ssh-upload-form.js";

const uploadResultSchema = z
  .strictObject({
    ok: z.literal(true),
    bytes: z.int(),
    remote_path: z.string().openapi({ description: "As it was cleaned.", example: "/srv/app/config.json" }),
  })
  .openapi("SshUploadResult");

/** `POST /ssh/{service}/upload` */
export function registerSshUploadRoute(
  app: ControlPlaneApp,
  parts: ControlPlaneParts,
  access: AccessRules,
): void {
  const holdFor = holdInMemory();
  app.openapi(
    createRoute({
      method: "post",
      path: "/ssh/{service}/upload",
      operationId: "sshUpload",
      tags: ["ssh"],
      summary: "Write a file at a service's server",
      description:
        "The file is written beside its place and renamed into it when it is whole, so that an upload that breaks off " +
        "leaves what was there. Directories that are missing are made.",
      security: BEARER_SECURITY,
      middleware: access.any,
      request: {
        params: sshServiceParams,
        body: {
          required: true,
          description: `The file may have ${SSH_LIMITS.fileBytes} bytes. Sent last, it is not held in memory.`,
          content: {
            "multipart/form-data": {
              schema: {
                type: "object",
                required: ["remote_path", "file"],
                additionalProperties: false,
                properties: {
                  remote_path: { type: "string", description: "Absolute, the file's name included." },
                  mode: { type: "string", default: "0644", description: "Octal, from 0 to 0777." },
                  justification: {
                    type: "string",
                    description:
                      "What it is for, kept in the audit log. `X-Vault-Justification` does as well.",
                  },
                  file: { type: "string", format: "binary" },
                },
              },
            },
          },
        },
      },
      responses: {
        200: jsonAnswer(uploadResultSchema, "The file is in its place"),
        ...errorResponses(...SSH_ERRORS, ...BODY_ERRORS, ...TOKEN_ERRORS),
      },
    }),
    async (c) => {
      const boundary = formBoundary(c.req.header("content-type"));
      const body = streamBody(c.req.raw, {
        maxBytes: SSH_LIMITS.fileBytes + HTTP_API_LIMITS.multipartOverheadBytes,
        tooLarge: fileTooLarge,
      });
      const caller = {
        token: c.get("token"),
        service: c.req.valid("param").service,
        action: "upload" as const,
        origin: originOf(c, parts),
        signal: callerSignal(parts.responseOf(c)),
      };
      const { bytes, remotePath } = await parts.ssh.run(caller, async (call) => {
        await refuseWithoutTransfers(call);
        parts.allowUpload(c);
        const form = readFormParts(endedBy(body, call.signal), boundary);
        const reader = {
          hold: holdFor(call.token.digest),
          justify: (justification: string) => call.note({ justification }),
        };
        return withUploadForm(form, reader, (upload) =>
          uploadFile(call, {
            ...upload,
            mode() {
              const mode = upload.mode();
              call.note({ mode: mode.toString(8).padStart(4, "0") });
              return mode;
            },
          }),
        );
      });
      return c.json({ ok: true as const, bytes, remote_path: remotePath }, 200);
    },
  );
}

/** Before a file is read that could go nowhere. Whoever may not use the service is told only that. */
async function refuseWithoutTransfers(call: SshCall): Promise<void> {
  try {
    requireTransfers(call.access);
  } catch (error) {
    await call.permit({});
    throw error;
  }
}

/** Of the process, and of each token, so that none takes all places. */
function holdInMemory(): (tokenDigest: string) => HoldInMemory {
  const holders: string[] = [];
  return (tokenDigest) =>
    async function hold(read) {
      const own = holders.filter((holder) => holder === tokenDigest).length;
      if (own >= SSH_LIMITS.filesInMemoryPerToken || holders.length >= SSH_LIMITS.filesInMemory) {
        const message =
          "too many uploads at once whose file comes before remote_path: send remote_path first";
        throw new VaultProxyError("rate_limited", message, { retryAfterSeconds: 5 });
      }
      holders.push(tokenDigest);
      try {
        return await read();
      } finally {
        holders.splice(holders.indexOf(tokenDigest), 1);
      }
    };
}

/** Throws the signal's reason as soon as it aborts, also while the next piece is waited for. */
async function* endedBy(source: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const aborted = new Promise<never>((_, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
  aborted.catch(() => undefined);
  const iterator = source[Symbol.asyncIterator]();
  for (;;) {
    const next = await Promise.race([iterator.next(), aborted]);
    if (next.done === true) return;
    yield next.value;
  }
}
