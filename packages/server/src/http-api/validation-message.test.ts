import { z } from "@hono/zod-openapi";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { serviceDefinitionSchema } from "../auth-strategies/service-definition.js";
import { invalidRequest } from "./validation-message.js";

function messageFor(schema: z.ZodType, input: unknown): string {
  const parsed = schema.safeParse(input);
  if (parsed.success) throw new Error("expected a refusal");
  const error = invalidRequest(parsed.error.issues, input);
  expect(error.code).toBe("invalid_request");
  return error.message;
}

const service = { name: "api", base_url: "https://api.example.com", auth: { type: "bearer", token: "s" } };

describe("the sentence about a refused body", () => {
  test.each([
    ["a missing field", {}, "name: is required; auth: is required"],
    ["the whole of a wrong type", [], "body: must be an object"],
    ["null", null, "body: must be an object"],
    ["a wrong type", { ...service, name: 5 }, "name: must be a string"],
    ["a wrong boolean", { ...service, allow_private: "yes" }, "allow_private: must be true or false"],
    ["an empty string", { ...service, tls_ca: "" }, "tls_ca: must not be empty"],
    [
      "a string too long",
      { ...service, description: "x".repeat(501) },
      "description: must have at most 500 characters",
    ],
    ["a number too small", { ...service, max_request_bytes: -1 }, "max_request_bytes: must be at least 0"],
    ["a fraction", { ...service, max_request_bytes: 1.5 }, "max_request_bytes: must be a whole number"],
    ["an unknown field", { ...service, colour: 1 }, "unknown field colour"],
    ["an unknown inner field", { ...service, auth: { ...service.auth, foo: 1 } }, "unknown field auth.foo"],
    ["a missing inner field", { ...service, auth: { type: "bearer" } }, "auth.token: is required"],
    [
      "a schema's own words",
      { ...service, connect_timeout: "10" },
      "connect_timeout: must be a duration such as 10s, 5m or 1h30m, from 1ms to 24h",
    ],
    [
      "an illegal header name",
      { ...service, headers: { host: "x" } },
      "headers.host: names a header that the proxy sets itself",
    ],
    [
      "a header name that may be a secret",
      { ...service, headers: { "Bearer hunter2 hunter2": "x" } },
      "headers: is not a legal HTTP header name",
    ],
  ])("names %s", (_title, input, sentence) => {
    expect(messageFor(serviceDefinitionSchema, input)).toBe(sentence);
  });

  test("lists the known types where the discriminator is unknown or missing", () => {
    for (const auth of [{ type: "hunter2" }, {}]) {
      expect(messageFor(serviceDefinitionSchema, { ...service, auth })).toBe(
        "auth.type: must be one of bearer, header, headers, basic, url, query, oauth2_client, service_account, jwt_bearer, github_app, imap, smtp, redis, postgres, ssh_key",
      );
    }
  });

  test("names an entry of an array by its place", () => {
    const schema = z.strictObject({ params: z.array(z.string()) });
    expect(messageFor(schema, { params: ["a", 1] })).toBe("params.1: must be a string");
  });

  test("lists the choices of an enumeration", () => {
    const schema = z.strictObject({ scope: z.enum(["admin", "proxy"]) });
    expect(messageFor(schema, { scope: "hunter2" })).toBe("scope: must be one of admin, proxy");
  });

  test("names at most three faults, and an unknown field only if it looks like one", () => {
    expect(messageFor(z.strictObject({}), { a: 1, b_c: 1, ["d".repeat(24)]: 1, e: 1 })).toBe(
      `unknown field a; unknown field b_c; unknown field ${"d".repeat(24)}`,
    );
    for (const key of ["sk-abcdef", "hunter2", "AKIAIOSFODNN", "_a", "a.b", "d".repeat(25), "tok_aB"]) {
      expect(messageFor(z.strictObject({}), { [key]: 1 })).toBe("an unknown field");
      expect(
        messageFor(z.strictObject({ headers: z.record(z.string(), z.string()) }), { headers: { [key]: 1 } }),
      ).toBe("headers: must be a string");
    }
    expect(messageFor(z.strictObject({ auth: z.strictObject({}) }), { auth: { "my secret": 1 } })).toBe(
      "an unknown field in auth",
    );
  });

  test("never repeats a value, whatever was sent in whichever field", () => {
    const marker = "HUNTER2";
    const fields = [
      "name",
      "base_url",
      "description",
      "tls_ca",
      "headers",
      "connect_timeout",
      "max_request_bytes",
    ];
    const value = fc.oneof(
      fc.constant(marker),
      fc.string().map((text) => `${text}${marker}`),
      fc.constant([marker]),
      fc.constant({ header: marker }),
      fc.constant({ type: marker, token: marker }),
      fc.constant({ type: "basic", username: `${marker}:`, password: `${marker}\n` }),
      fc.constant({ type: "header", header_name: `${marker} x`, header_value: `${marker}\r` }),
    );
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...fields, "auth"), value), (input) => {
        const parsed = serviceDefinitionSchema.safeParse(input);
        if (!parsed.success) expect(invalidRequest(parsed.error.issues, input).message).not.toContain(marker);
      }),
    );
  });
});
