import { Ajv2020 } from "ajv/dist/2020.js";
import ajvFormats from "ajv-formats";

interface ResponseObject {
  readonly content?: Readonly<Record<string, { readonly schema?: unknown }>>;
}

type Operations = Readonly<Record<string, { readonly responses: Readonly<Record<string, ResponseObject>> }>>;

export interface OpenApiDocument {
  readonly paths: Readonly<Record<string, Operations>>;
}

/** An answer of the control plane, or of `/proxy` with `X-Vault-Error`: all but bytes that a service sent. */
export interface SeenAnswer {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly status: number;
  readonly contentType: string | undefined;
  /** Undefined where nobody looked at it. */
  readonly body: string | undefined;
}

/** What is wrong with an answer by the OpenAPI document: empty if nothing is. */
export type AnswerCheck = (answer: SeenAnswer) => string[];

const DOCUMENT = "openapi";
const JSON_TYPE = "application/json";
const JSON_LINES_TYPE = "application/x-ndjson";
const ERROR_SCHEMA = `${DOCUMENT}#/components/schemas/Error`;

/** What the listener refuses before it is known which route was meant. */
const BEFORE_ANY_ROUTE: ReadonlySet<number> = new Set([400, 403, 405, 417, 431, 503]);
/** In its answer 501 to an upgrade, which is the only one that no route gives. */
const NO_WEBSOCKET = "no WebSocket is spoken here";
/** What comes of a path that does not exist, or of a method that it does not work with. */
const WITHOUT_ROUTE: ReadonlySet<number> = new Set([...BEFORE_ANY_ROUTE, 404, 423]);

function isRefused(known: ReadonlySet<number>, { method, status, body }: SeenAnswer): boolean {
  if (known.has(status)) return true;
  return method === "GET" && status === 501 && body?.includes(NO_WEBSOCKET) === true;
}

/** Holds answers against what an OpenAPI document promises: the status, the content type, the body by its schema. */
export function createAnswerCheck(document: OpenApiDocument): AnswerCheck {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  ajvFormats.default(ajv);
  ajv.addSchema(document, DOCUMENT);
  const templates = Object.keys(document.paths).map((path) => ({ path, segments: path.split("/") }));

  const schemaFaults = (pointer: string, text: string): string[] => {
    const validate = ajv.getSchema(pointer);
    if (validate === undefined) return [`${pointer} is no schema`];
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return ["the body is not JSON"];
    }
    if (validate(value) === true) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) =>
        `${instancePath || "/"} ${message ?? ""} ${JSON.stringify(params)}`,
    );
  };

  const errorFaults = ({ contentType, body, method }: SeenAnswer): string[] => {
    if (method === "HEAD" || body === undefined) return [];
    return contentType === JSON_TYPE
      ? schemaFaults(ERROR_SCHEMA, body)
      : [`the type is ${String(contentType)}`];
  };

  return function faultsOf(answer) {
    const { method, status, body } = answer;
    const path = answer.target.replace(/[?#].*/s, "");
    const template = templates
      .filter(({ segments }) => fits(segments, path.split("/")))
      .sort((a, b) => parametersOf(a.path) - parametersOf(b.path))[0]?.path;
    if (template === undefined) {
      return isRefused(WITHOUT_ROUTE, answer)
        ? errorFaults(answer)
        : [`status ${String(status)} of no documented path`];
    }
    const operations = document.paths[template] ?? {};
    const name = [method.toLowerCase(), ...(method === "HEAD" ? ["get"] : [])].find(
      (key) => key in operations,
    );
    const response = operations[name ?? ""]?.responses[String(status)];
    if (name === undefined || response === undefined) {
      const refusals = name === undefined ? WITHOUT_ROUTE : BEFORE_ANY_ROUTE;
      if (isRefused(refusals, answer)) return errorFaults(answer);
      return [
        name === undefined ? `${method} is not documented` : `status ${String(status)} is not documented`,
      ];
    }
    const content = response.content;
    if (content === undefined) return body === undefined || body === "" ? [] : ["a body is not documented"];
    if (method === "HEAD") return [];
    const type = answer.contentType?.split(";")[0] ?? "none";
    // A stored file comes as what it was stored as.
    if (!(type in content))
      return "application/octet-stream" in content ? [] : [`type ${type} is not documented`];
    const pointer = [
      DOCUMENT + "#/paths",
      template,
      name,
      "responses",
      String(status),
      "content",
      type,
      "schema",
    ]
      .map((part, index) => (index === 0 ? part : escapePointer(part)))
      .join("/");
    if (body === undefined) return [];
    if (type === JSON_TYPE) return schemaFaults(pointer, body);
    if (type === JSON_LINES_TYPE) return linesOf(body).flatMap((line) => schemaFaults(pointer, line));
    return [];
  };
}

function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

/** RFC 6901 §3, and §6 for a fragment. */
function escapePointer(part: string): string {
  return encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"));
}

function parametersOf(template: string): number {
  return template.split("{").length;
}

/** A parameter is one segment; that of `/proxy/{service}/{path}` at the end is all the rest. */
function fits(template: readonly string[], segments: readonly string[]): boolean {
  const takesRest = template.at(-1) === "{path}";
  if (takesRest ? segments.length < template.length - 1 : segments.length !== template.length) return false;
  return template.every((part, index) => {
    if (takesRest && index === template.length - 1) return true;
    // What is refused may name no service at all.
    return part.startsWith("{") ? takesRest || segments[index] !== "" : part === segments[index];
  });
}
