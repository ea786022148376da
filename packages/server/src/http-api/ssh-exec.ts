import { createRoute, z } from "@hono/zod-openapi";
import { serviceNameSchema } from "../auth-strategies/service-definition.js";
import { statusOf } from "../errors/error-codes.js";
import { sizeText } from "../errors/size-text.js";
import { errorBody, toVaultProxyError } from "../errors/vault-proxy-error.js";
import { createOutputBudget, createOutputDecoders, type DecodedOutput } from "../ssh/command-output.js";
import { execCommand } from "../ssh/ssh-exec.js";
import { SSH_LIMITS } from "../ssh/ssh-limits.js";
import { justificationField, setJustification } from "./audit-trail.js";
import type { AccessRules } from "./authentication.js";
import { callerSignal } from "./caller-connection.js";
import { originOf } from "./call-origin.js";
import type { ControlPlaneApp, ControlPlaneParts } from "./control-plane.js";
import { BODY_ERRORS, TOKEN_ERRORS, errorResponses } from "./error-schema.js";
import { execEndFields, execEventSchema } from "./ssh-exec-event.js";
import { BEARER_SECURITY, jsonRequest } from "./route-documentation.js";
import { describeEnd, writeExecResult } from "./ssh-exec-answer.js";
import { beginStreamedAnswer, STREAMED, type StreamedAnswer } from "./streamed-answer.js";

const NDJSON = "application/x-ndjson";

/** Answers of every route that uses a server by SSH. */
export const SSH_ERRORS = [
  "forbidden",
  "policy_denied",
  "destination_blocked",
  "not_found",
  "conflict",
  "rate_limited",
  "not_implemented",
  "upstream_failed",
  "upstream_login_failed",
  "ssh_host_key_mismatch",
  "upstream_timeout",
] as const;

export const sshServiceParams = z.strictObject({ service: serviceNameSchema });

const MAX_SECONDS = SSH_LIMITS.maxCommandMs / 1000;

const execRequestSchema = z
  .strictObject({
    command: z
      .string()
      .min(1)
      .refine((text) => text.isWellFormed(), "is not well-formed Unicode")
      // No server takes one: it would end the connection, and everything else that runs on it.
      .refine((text) => !text.includes("\0"), "must not hold a NUL")
      .refine(
        (text) => Buffer.byteLength(text) <= SSH_LIMITS.commandBytes,
        `must have at most ${sizeText(SSH_LIMITS.commandBytes)}`,
      )
      .openapi({ example: "docker ps" }),
    timeout: z
      .number()
      .positive("must be more than 0")
      .max(MAX_SECONDS)
      .default(SSH_LIMITS.defaultCommandMs / 1000)
      .openapi({ description: "Seconds." }),
    justification: justificationField,
    stdin: z.string().optional().openapi({ description: "What the command reads; nothing without it." }),
    stdin_base64: z
      .base64("must be base64")
      .optional()
      .openapi({ description: "The same for bytes that are no text." }),
  })
  .refine(
    ({ stdin, stdin_base64 }) => stdin === undefined || stdin_base64 === undefined,
    "stdin and stdin_base64: only one of the two can be given",
  )
  .openapi("SshExecRequest");

const execResultSchema = z
  .strictObject({
    stdout: z.string().openapi({ description: "As UTF-8; what is none of it is replaced by U+FFFD." }),
    stderr: z.string(),
    stdout_base64: z
      .string()
      .optional()
      .openapi({ description: "The bytes themselves, if `stdout` is not valid UTF-8." }),
    stderr_base64: z.string().optional(),
    ...execEndFields(SSH_LIMITS.outputBytes),
  })
  .openapi("SshExecResult");

/** `POST /ssh/{service}/exec` */
export function registerSshExecRoute(
  app: ControlPlaneApp,
  parts: ControlPlaneParts,
  access: AccessRules,
): void {
  const budget = createOutputBudget(SSH_LIMITS.collectedBytes);
  app.openapi(
    createRoute({
      method: "post",
      path: "/ssh/{service}/exec",
      operationId: "sshExec",
      tags: ["ssh"],
      summary: "Run a command at a service's server",
      description:
        `With \`Accept: ${NDJSON}\` the answer is a stream of lines, as the output comes: ` +
        '`{"type":"stdout","data":…}` or `{"type":"stderr","data":…}` (`data_base64` for bytes that are not UTF-8), ' +
        'and at last `{"type":"exit","exit_code":…,"duration_ms":…,"truncated":…}` or `{"type":"error","status":…,"error":…,"code":…}` with the HTTP status that an answer of its own would have.',
      security: BEARER_SECURITY,
      middleware: access.anyJson,
      request: { params: sshServiceParams, body: jsonRequest(execRequestSchema) },
      responses: {
        200: {
          description: "The command ended, with whatever code",
          content: {
            "application/json": { schema: execResultSchema },
            // The schema of each line: JSON Schema has no other words for it.
            [NDJSON]: { schema: execEventSchema(SSH_LIMITS.outputBytes) },
          },
        },
        ...errorResponses(...SSH_ERRORS, ...BODY_ERRORS, ...TOKEN_ERRORS),
      },
    }),
    async (c) => {
      const { command, timeout, stdin, stdin_base64, justification } = c.req.valid("json");
      setJustification(c, justification);
      const response = parts.responseOf(c);
      const request = {
        command,
        timeoutMs: timeout * 1000,
        stdin:
          stdin_base64 === undefined
            ? stdin === undefined
              ? undefined
              : Buffer.from(stdin)
            : Buffer.from(stdin_base64, "base64"),
      };
      const caller = {
        token: c.get("token"),
        service: c.req.valid("param").service,
        action: "exec" as const,
        details: { command },
        origin: originOf(c, parts),
        signal: callerSignal(response),
      };
      if (!wantsLines(c.req.header("accept"))) {
        const output = budget.collect();
        try {
          const end = await parts.ssh.run(caller, (call) =>
            execCommand(call, { ...request, takeOutput: output.take }),
          );
          const answer = beginStreamedAnswer(response, {
            "Content-Type": "application/json",
            "X-Vault-Request-Id": parts.requestIdOf(c),
          });
          await writeExecResult(answer, output.result(), describeEnd(end)).then(
            () => answer.end(),
            () => answer.breakOff(),
          );
          return STREAMED as never;
        } finally {
          output.release();
        }
      }
      const decoders = createOutputDecoders();
      let answer: StreamedAnswer | undefined;
      const say = (line: object): Promise<void> | undefined => answer?.write(`${JSON.stringify(line)}\n`);
      try {
        const end = await parts.ssh.run(caller, (call) =>
          execCommand(call, {
            ...request,
            onStarted() {
              answer = beginStreamedAnswer(response, {
                "Content-Type": NDJSON,
                "X-Vault-Request-Id": parts.requestIdOf(c),
              });
            },
            takeOutput(stream, chunk) {
              const decoded = decoders[stream].push(chunk);
              return decoded === undefined ? undefined : say(toLine(stream, decoded));
            },
          }),
        );
        for (const stream of ["stdout", "stderr"] as const) {
          const rest = decoders[stream].finish();
          if (rest !== undefined) await say(toLine(stream, rest));
        }
        await say({ type: "exit", ...describeEnd(end) });
      } catch (error) {
        // Before the command was started there is no answer yet, and this is one like any other.
        if (answer === undefined) throw error;
        const failure = toVaultProxyError(error);
        await say({ type: "error", status: statusOf(failure.code), ...errorBody(failure) })?.catch(
          () => undefined,
        );
      }
      answer?.end();
      return STREAMED as never;
    },
  );
}

function wantsLines(accept: string | undefined): boolean {
  return (accept ?? "").split(",").some((range) => range.split(";", 1)[0]?.trim().toLowerCase() === NDJSON);
}

function toLine(type: string, { text, bytes }: DecodedOutput): object {
  return text === undefined ? { type, data_base64: bytes.toString("base64") } : { type, data: text };
}
