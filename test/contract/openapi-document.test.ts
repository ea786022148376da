import { Validator } from "@seriousme/openapi-schema-validator";
import { beforeAll, expect, test } from "vitest";
import { answerCheck, builtDocument } from "./recorded-answers.js";

interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly security?: readonly unknown[];
  readonly responses: Readonly<Record<string, unknown>>;
}

let operations: readonly (readonly [string, Operation])[];
beforeAll(async () => {
  const { paths } = await builtDocument();
  operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => [`${method} ${path}`, operation] as const),
  );
});

test("is valid by the schema of OpenAPI 3.1", async () => {
  const validator = new Validator();
  const result = await validator.validate(
    JSON.parse(JSON.stringify(await builtDocument())) as Record<string, unknown>,
  );
  expect(result).toMatchObject({ valid: true });
  expect(validator.version).toBe("3.1");
});

test("gives every operation a summary, an id, a security and its errors", () => {
  const open = ["get /health", "get /openapi.json", "post /auth/unlock", "get /auth/oauth2/callback"];
  const ids = operations.map(([, { operationId }]) => operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const [name, { operationId, summary, security, responses }] of operations) {
    expect(operationId, name).toMatch(/^[a-z]\w+$/);
    expect(summary, name).toMatch(/^[A-Z]/);
    if (!open.includes(name)) {
      expect(security, name).toHaveLength(1);
      expect(Object.keys(responses), name).toEqual(expect.arrayContaining(["401", "423"]));
    }
    expect(Object.keys(responses), name).toContain("500");
  }
});

test("has no schema that two parts make impossible, and none with a pattern that is none", async () => {
  const check = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    if ("allOf" in value && Array.isArray(value.allOf)) {
      const closed = value.allOf.filter((part: unknown) =>
        JSON.stringify(part).includes('"additionalProperties":false'),
      );
      expect(closed, JSON.stringify(value).slice(0, 200)).toEqual([]);
    }
    if ("pattern" in value && typeof value.pattern === "string") {
      expect(() => new RegExp(String(value.pattern), "u")).not.toThrow();
      expect(value.pattern).not.toMatch(/\/[a-z]*$/);
    }
    Object.values(value).forEach(check);
  };
  check(await builtDocument());
});

test("the check of answers refuses what the document does not promise", async () => {
  const faultsOf = await answerCheck();
  const health = { method: "GET", target: "/health", status: 200, contentType: "application/json" };
  const body = '{"status":"locked","initialized":true,"version":"1"}';
  expect(faultsOf({ ...health, body })).toEqual([]);
  expect(faultsOf({ ...health, target: "/health?x=1", body })).toEqual([]);
  for (const wrong of [
    { ...health, body: '{"status":"asleep","initialized":true,"version":"1"}' },
    { ...health, body: '{"status":"locked","initialized":true,"version":"1","more":1}' },
    { ...health, body: "locked" },
    { ...health, contentType: "text/html", body },
    { ...health, contentType: undefined, body },
    { ...health, status: 201, body },
    { ...health, status: 404, body: '{"error":"x","code":"not_found"}' },
    { ...health, method: "POST", body },
    { ...health, target: "/nowhere", body },
    { ...health, target: "/nowhere", status: 404, body: '{"error":"x"}' },
    { ...health, target: "/nowhere", status: 404, body: '{"error":"x","code":"unheard_of"}' },
  ]) {
    expect(faultsOf(wrong), JSON.stringify(wrong)).not.toEqual([]);
  }
  const missing = { ...health, status: 404, body: '{"error":"x","code":"not_found"}' };
  expect(faultsOf({ ...missing, target: "/nowhere" })).toEqual([]);
  expect(faultsOf({ ...missing, target: "/services/x" })).toEqual([]);
  expect(faultsOf({ ...missing, method: "HEAD", target: "/services/x", body: "" })).toEqual([]);
});
