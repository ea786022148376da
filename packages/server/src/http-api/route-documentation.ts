import type { z } from "@hono/zod-openapi";
import { MERGE_PATCH_MEDIA_TYPE } from "./request-body.js";

/** The name under which the OpenAPI document declares the bearer token. */
export const BEARER_SCHEME = "bearer";

/** A route's `security`: a token in `Authorization: Bearer`. */
export const BEARER_SECURITY: Record<string, string[]>[] = [{ [BEARER_SCHEME]: [] }];

export function jsonAnswer<S extends z.ZodType>(
  schema: S,
  description: string,
): { description: string; content: { "application/json": { schema: S } } } {
  return { description, content: { "application/json": { schema } } };
}

/** A JSON body. `required` is for the reader of the document: no body is validated as `{}`. */
export function jsonRequest<S extends z.ZodType>(
  schema: S,
): { required: true; content: { "application/json": { schema: S } } } {
  return { required: true, content: { "application/json": { schema } } };
}

/** The same of a change, which may come with the media type of its own. */
export function mergePatchRequest<S extends z.ZodType>(schema: S): ReturnType<typeof jsonRequest<S>> {
  const content = { "application/json": { schema }, [MERGE_PATCH_MEDIA_TYPE]: { schema } };
  return { ...jsonRequest(schema), content };
}
