import { z } from "@hono/zod-openapi";

type Json = Readonly<Record<string, unknown>>;

interface OpenApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: Json }>>>>;
  readonly components: { readonly schemas: Json };
}

/** Finds what an OpenAPI document promises of an answer, so that tests can hold every answer against it. */
export interface AnswerSchemas {
  /** @returns the faults of the answer, or undefined if the document says nothing of that path, method and status. */
  faultsOf(method: string, path: string, status: number, body: unknown): string[] | undefined;
  readonly errorFaultsOf: (body: unknown) => string[];
}

export function answerSchemas(document: OpenApiDocument): AnswerSchemas {
  const validators = new Map<string, z.ZodType>();
  const resolved = (schema: unknown): z.ZodType => {
    const key = JSON.stringify(schema);
    const known =
      validators.get(key) ?? z.fromJSONSchema(inline(schema, document.components.schemas) as never);
    validators.set(key, known);
    return known;
  };
  const faults = (schema: unknown, body: unknown): string[] => {
    const parsed = resolved(schema).safeParse(body);
    return parsed.success
      ? []
      : parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  };
  return {
    faultsOf(method, path, status, body) {
      const template = Object.keys(document.paths).find((candidate) => fits(candidate, path));
      const response = document.paths[template ?? ""]?.[method.toLowerCase()]?.responses[String(status)] as
        { content?: Record<string, { schema: unknown }> } | undefined;
      if (response === undefined) return undefined;
      const schema = response.content?.["application/json"]?.schema;
      return schema === undefined ? [] : faults(schema, body);
    },
    errorFaultsOf: (body) => faults({ $ref: "#/components/schemas/Error" }, body),
  };
}

function fits(template: string, path: string): boolean {
  const parts = template.split("/");
  const segments = path.split("/");
  return (
    parts.length === segments.length &&
    parts.every((part, index) => part.startsWith("{") || part === segments[index])
  );
}

/** The schema with every `$ref` replaced by what it names; the document's schemas do not recur. */
function inline(schema: unknown, components: Json): unknown {
  if (Array.isArray(schema)) return schema.map((inner) => inline(inner, components));
  if (typeof schema !== "object" || schema === null) return schema;
  if ("$ref" in schema) {
    const name = String(schema.$ref).replace("#/components/schemas/", "");
    if (!Object.hasOwn(components, name)) throw new Error(`no schema ${name}`);
    return inline(components[name], components);
  }
  return Object.fromEntries(Object.entries(schema).map(([key, inner]) => [key, inline(inner, components)]));
}
