/** The part of JSON Schema (2020-12) that `/openapi.json` uses. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
}

/** Declares a TypeScript type for each schema, by its name in there. */
export function declareTypes(schemas: Readonly<Record<string, JsonSchema>>): string {
  return Object.entries(schemas)
    .map(([name, schema]) => `export type ${name} = ${typeOf(schema)};`)
    .join("\n");
}

function typeOf(schema: JsonSchema): string {
  if (schema.$ref !== undefined) return schema.$ref.replace(/^.*\//, "");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const union = schema.anyOf ?? schema.oneOf;
  if (union !== undefined) return union.map((member) => `(${typeOf(member)})`).join(" | ");
  if (schema.allOf !== undefined) return schema.allOf.map((member) => `(${typeOf(member)})`).join(" & ");
  if (Array.isArray(schema.type)) {
    return schema.type.map((type: string) => `(${typeOf({ ...schema, type })})`).join(" | ");
  }
  switch (schema.type) {
    case "array":
      return `(${typeOf(schema.items ?? {})})[]`;
    case "object":
      return objectTypeOf(schema);
    case "integer":
      return "number";
    case "string":
    case "number":
    case "boolean":
    case "null":
      return schema.type;
    default:
      return "unknown";
  }
}

function objectTypeOf({ properties = {}, required = [], additionalProperties }: JsonSchema): string {
  const fields = Object.entries(properties).map(([name, field]) => {
    return `${JSON.stringify(name)}${required.includes(name) ? "" : "?"}: ${typeOf(field)};`;
  });
  const others =
    typeof additionalProperties === "object" ? `Record<string, ${typeOf(additionalProperties)}>` : "";
  if (others === "") return `{ ${fields.join(" ")} }`;
  return fields.length === 0 ? others : `{ ${fields.join(" ")} } & ${others}`;
}
