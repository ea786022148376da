import { z } from "@hono/zod-openapi";
import { errorSchema } from "./error-schema.js";
import { sizeText } from "../errors/size-text.js";

const outputFields = {
  data: z.string().optional().openapi({ description: "As UTF-8." }),
  data_base64: z.string().optional().openapi({ description: "In its place, for bytes that are not UTF-8." }),
};

/** How a command ended: in the answer as a whole, and in the last line of a stream. */
export const execEndFields = (outputBytes: number) => ({
  exit_code: z.int().openapi({ description: "128 and the signal's number, if a signal ended the command." }),
  duration_ms: z.int(),
  signal: z.string().optional().openapi({ description: "That ended the command.", example: "TERM" }),
  truncated: z.boolean().openapi({
    description: `Whether output beyond ${sizeText(outputBytes)} a stream was dropped.`,
  }),
});

/** One line of a streamed answer. */
export const execEventSchema = (outputBytes: number) =>
  z
    .discriminatedUnion("type", [
      z.strictObject({ type: z.literal("stdout"), ...outputFields }),
      z.strictObject({ type: z.literal("stderr"), ...outputFields }),
      z.strictObject({ type: z.literal("exit"), ...execEndFields(outputBytes) }),
      z.strictObject({
        type: z.literal("error"),
        status: z.int().openapi({ description: "What an answer of its own would have had." }),
        ...errorSchema.shape,
      }),
    ])
    .openapi("SshExecEvent");
