import type { z } from "@hono/zod-openapi";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { HTTP_API_LIMITS } from "./http-api-limits.js";

type Issue = z.core.$ZodIssue;

/** What may be a field's name; anything else in its place may be a key that was pasted there and is not repeated. */
const FIELD_NAME = /^[a-z][a-z_]*(?:_base64)?$/;

const TYPE_NAMES: Readonly<Record<string, string>> = {
  array: "an array",
  boolean: "true or false",
  int: "a whole number",
  number: "a number",
  object: "an object",
  record: "an object",
  string: "a string",
};

/**
 * The `invalid_request` for a value that its schema refused: one sentence that names each field as a dotted path and
 * says what it must be. It repeats no value of the input, since any of them may be a secret.
 * @param input the refused value, only looked into to tell a missing field from one of the wrong type.
 * @param whole how to name the value itself, such as `body`.
 */
export function invalidRequest(issues: readonly Issue[], input: unknown, whole = "body"): VaultProxyError {
  const faults = new Map<string, string>();
  for (const issue of issues) {
    const path = dottedPath(issue.path);
    // Several checks may fail on one field; the first says enough.
    if (!faults.has(path)) faults.set(path, describe(issue, path === "" ? whole : path, input));
  }
  const sentence = [...faults.values()].slice(0, HTTP_API_LIMITS.namedFaults).join("; ");
  return new VaultProxyError("invalid_request", sentence === "" ? `${whole}: is not valid` : sentence);
}

function describe(issue: Issue, path: string, input: unknown): string {
  if (issue.code === "unrecognized_keys") {
    const parent = dottedPath(issue.path);
    return issue.keys
      .slice(0, HTTP_API_LIMITS.namedFaults)
      .map((key) => {
        if (!isNameable(key)) return parent === "" ? "an unknown field" : `an unknown field in ${parent}`;
        return `unknown field ${parent === "" ? key : `${parent}.${key}`}`;
      })
      .join("; ");
  }
  return `${path}: ${fault(issue, isMissing(input, issue.path))}`;
}

/** What is wrong, as the end of a sentence that begins with the field's name. */
function fault(issue: Issue, missing: boolean): string {
  if (issue.code === "invalid_union" && issue.discriminator !== undefined) {
    const known = "options" in issue && Array.isArray(issue.options) ? issue.options.map(String) : [];
    return known.length === 0 ? "is not a known type" : `must be one of ${known.join(", ")}`;
  }
  if (missing) return "is required";
  if (issue.code === "invalid_key") {
    const [first] = issue.issues;
    return first === undefined ? "is not a legal name" : fault(first, false);
  }
  if (!isDefaultMessage(issue.message)) return issue.message;
  switch (issue.code) {
    case "invalid_type":
      return `must be ${TYPE_NAMES[issue.expected] ?? "of another type"}`;
    case "invalid_value":
      return `must be one of ${issue.values.map(String).join(", ")}`;
    case "too_small":
      return bound(issue.origin, "at least", Number(issue.minimum));
    case "too_big":
      return bound(issue.origin, "at most", Number(issue.maximum));
    case "not_multiple_of":
      return `must be a multiple of ${issue.divisor}`;
    default:
      return "is not valid";
  }
}

function bound(origin: string, relation: "at least" | "at most", limit: number): string {
  if (origin === "string") {
    if (relation === "at least" && limit === 1) return "must not be empty";
    return `must have ${relation} ${limit} characters`;
  }
  if (origin === "array" || origin === "set" || origin === "map")
    return `must hold ${relation} ${limit} entries`;
  return `must be ${relation} ${limit}`;
}

/** Whether zod wrote the message itself; those of our schemas are ends of sentences in lower case. */
function isDefaultMessage(message: string): boolean {
  return /^[A-Z]/.test(message);
}

function isMissing(input: unknown, path: readonly PropertyKey[]): boolean {
  if (path.length === 0 || input === undefined) return false;
  let value: unknown = input;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return true;
    value = (value as Readonly<Record<PropertyKey, unknown>>)[key];
  }
  return value === undefined;
}

function dottedPath(path: readonly PropertyKey[]): string {
  const shown: string[] = [];
  for (const key of path) {
    const name = String(key);
    if (typeof key !== "number" && !isNameable(name)) break;
    shown.push(name);
  }
  return shown.join(".");
}

function isNameable(name: string): boolean {
  return name.length <= HTTP_API_LIMITS.namedFieldCharacters && FIELD_NAME.test(name);
}
