import { z } from "@hono/zod-openapi";

/** The answer to a `DELETE` of something that the vault kept. */
export const deletedSchema = z.strictObject({ status: z.literal("deleted") }).openapi("Deleted");
