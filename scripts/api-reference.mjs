/**
 * `docs/api.md` of the server's own OpenAPI document: `node scripts/api-reference.mjs` writes it; a test fails where it
 * is stale.
 */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/**
 * @typedef {{ $ref?: string, type?: string | string[], description?: string, const?: unknown, enum?: unknown[],
 *   properties?: Record<string, Schema>, required?: string[], items?: Schema, oneOf?: Schema[], anyOf?: Schema[],
 *   allOf?: Schema[], additionalProperties?: boolean | Schema, format?: string, default?: unknown }} Schema
 * @typedef {{ description?: string, required?: boolean, content?: Record<string, { schema?: Schema }> }} Content
 * @typedef {{ name: string, in: string, required?: boolean, description?: string, schema?: Schema, $ref?: string }} Parameter
 * @typedef {{ summary?: string, description?: string, tags?: string[], security?: object[], parameters?: Parameter[],
 *   requestBody?: Content, responses: Record<string, Content> }} Operation
 * @typedef {{ tags?: { name: string, description?: string }[], paths: Record<string, Record<string, Operation>>,
 *   components: { schemas: Record<string, Schema>, parameters?: Record<string, Parameter> } }} Document
 */

const METHODS = ["get", "head", "post", "put", "patch", "delete", "options"];

/**
 * @param {Document} document
 * @returns {string} The page, in Markdown.
 */
export function apiReference(document) {
  const operations = Object.entries(document.paths).flatMap(([route, methods]) =>
    METHODS.flatMap((method) =>
      methods[method] === undefined ? [] : [{ route, method, ...methods[method] }],
    ),
  );
  // Every method of the proxy is the same operation.
  const listed = operations.filter(({ tags, method }) => tags?.[0] !== "proxy" || method === "get");
  const tags = [...new Set(listed.map(({ tags }) => tags?.[0] ?? ""))];
  return [
    "# API reference",
    "",
    "Every route of the server, generated from its own `GET /openapi.json` by `node scripts/api-reference.mjs`. Errors are `Error` with the code that is named; [errors.md](errors.md) explains each.",
    "",
    "A token goes into `Authorization: Bearer tok_…`. What says “no token” needs none.",
    "",
    ...tags.map((tag) => `- [${tag}](#${tag})`),
    "- [Schemas](#schemas)",
    "",
    ...tags.flatMap((tag) => [
      `## ${tag}`,
      "",
      ...listed
        .filter(({ tags }) => tags?.[0] === tag)
        .flatMap((operation) => operationText(operation, document)),
    ]),
    "## Schemas",
    "",
    ...Object.entries(document.components.schemas).flatMap(([name, schema]) => schemaText(name, schema)),
  ].join("\n");
}

/**
 * @param {Operation & { route: string, method: string }} operation
 * @param {Document} document
 */
function operationText({ route, method, ...operation }, document) {
  const verb = operation.tags?.[0] === "proxy" ? "ANY" : method.toUpperCase();
  const parameters = (operation.parameters ?? []).map((parameter) => resolved(parameter, document));
  const answers = Object.entries(operation.responses);
  const errors = answers
    .filter(([status]) => isError(status))
    .map(([status, { description = "" }]) => `${status} ${oneLine(description)}`);
  const body = Object.entries(operation.requestBody?.content ?? {});
  return [
    `### ${verb} ${route}`,
    "",
    `${sentence(operation.summary ?? "")}${operation.security === undefined ? " No token." : ""}`,
    "",
    ...(operation.description === undefined ? [] : [operation.description, ""]),
    ...parameters.map(
      ({ name, in: place, required, description, schema }) =>
        `- \`${name}\` (${place}, ${required === true ? "required" : "optional"}): ${typeText(schema)}${noted(description)}`,
    ),
    ...(parameters.length > 0 ? [""] : []),
    ...body.map(([type, { schema }]) => `- body, \`${type}\`: ${typeText(schema)}`),
    ...(body.length > 0 ? [""] : []),
    ...answers
      .filter(([status]) => !isError(status))
      .map(([status, { description = "", content = {} }]) => {
        const schemas = new Set(Object.values(content).map(({ schema }) => typeText(schema)));
        return `- ${status}: ${oneLine(description)}${schemas.size === 0 ? "" : `: ${[...schemas].join(", ")}`}`;
      }),
    ...(errors.length === 0 ? [] : [`- errors: ${errors.join("; ")}`]),
    "",
  ];
}

/**
 * @param {string} name
 * @param {Schema} schema
 */
function schemaText(name, schema) {
  const members = schema.allOf ?? [schema];
  const fields = members.flatMap(({ properties = {}, required = [] }) =>
    Object.entries(properties).map(([field, of]) => ({ field, of, isRequired: required.includes(field) })),
  );
  return [
    `### type ${name}`,
    "",
    ...(schema.description === undefined ? [] : [schema.description, ""]),
    ...(fields.length === 0 ? [typeText(schema), ""] : []),
    ...fields.map(
      ({ field, of, isRequired }) =>
        `- \`${field}\`${isRequired ? "" : " (optional)"}: ${typeText(of)}${noted(of.description)}`,
    ),
    ...(fields.length === 0 ? [] : [""]),
  ];
}

/**
 * @param {Schema | undefined} schema
 * @returns {string}
 */
function typeText(schema) {
  if (schema === undefined) return "anything";
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split("/").at(-1) ?? "";
    return `[${name}](#type-${name.toLowerCase()})`;
  }
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum !== undefined)
    return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(" or ");
  const alternatives = schema.oneOf ?? schema.anyOf;
  if (alternatives !== undefined) return [...new Set(alternatives.map(typeText))].join(" or ");
  if (schema.allOf !== undefined) return schema.allOf.map(typeText).join(" and ");
  if (schema.items !== undefined) return `array of ${typeText(schema.items)}`;
  if (schema.properties !== undefined) {
    const fields = Object.entries(schema.properties).map(
      ([name, of]) => `\`${name}\`${schema.required?.includes(name) === true ? "" : "?"}: ${typeText(of)}`,
    );
    return `{ ${fields.join(", ")} }`;
  }
  if (typeof schema.additionalProperties === "object")
    return `object of ${typeText(schema.additionalProperties)}`;
  const types = [schema.type ?? "anything"].flat().join(" or ");
  return schema.format === undefined ? types : `${types} (${schema.format})`;
}

/**
 * @param {Parameter} parameter
 * @param {Document} document
 */
function resolved(parameter, document) {
  const name = parameter.$ref?.split("/").at(-1) ?? "";
  return document.components.parameters?.[name] ?? parameter;
}

const oneLine = (/** @type {string} */ text) => text.replaceAll("\n", " ");
const isError = (/** @type {string} */ status) => Number(status) >= 400;
const sentence = (/** @type {string} */ text) => (text === "" || text.endsWith(".") ? text : `${text}.`);
const noted = (/** @type {string | undefined} */ text) => (text === undefined ? "" : `. ${oneLine(text)}`);

/**
 * @param {string} address Of a server that runs.
 * @returns {Promise<string>} The page as prettier leaves it.
 */
export async function pageOf(address) {
  const answer = await fetch(`${address}/openapi.json`);
  const page = apiReference(/** @type {Document} */ (await answer.json()));
  const prettier = await import("prettier");
  return prettier.format(page, { parser: "markdown", printWidth: 110, proseWrap: "preserve" });
}

if (process.argv[1] !== undefined && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [address = process.env["VAULT_ADDR"] ?? "http://127.0.0.1:8390"] = process.argv.slice(2);
  writeFileSync(new URL("../docs/api.md", import.meta.url), await pageOf(address));
}
