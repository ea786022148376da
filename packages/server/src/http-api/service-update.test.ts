import { describe, expect, test } from "vitest";
import {
  secretsOf,
  serviceDefinitionSchema,
  toServiceRecord,
} from "../auth-strategies/service-definition.js";
import { mergeServiceUpdate } from "./service-update.js";

const base_url = "https://api.example.com";
const stored = toServiceRecord(
  serviceDefinitionSchema.parse({
    name: "api",
    base_url,
    description: "old",
    allow_private: true,
    auth: { type: "header", header_name: "X-Key", header_value: "kept-secret" },
  }),
);

describe("a service update", () => {
  test("keeps the secret that is left out, and nothing else", () => {
    const merged = mergeServiceUpdate(stored, { base_url, auth: { type: "header", header_name: "X-Other" } });
    expect(secretsOf(merged).map((secret) => secret.reveal())).toEqual(["kept-secret"]);
    expect(merged).toMatchObject({ name: "api", allow_private: false, auth: { header_name: "X-Other" } });
    expect(merged).not.toHaveProperty("description");
  });

  test("does not fill in a field that is no secret", () => {
    expect(() => mergeServiceUpdate(stored, { base_url, auth: { type: "header" } })).toThrow(
      /^auth\.header_name: is required$/,
    );
  });

  test("leaves the stored record as it was", () => {
    mergeServiceUpdate(stored, {
      base_url,
      auth: { type: "header", header_name: "X-Other", header_value: "new" },
    });
    expect(secretsOf(stored).map((secret) => secret.reveal())).toEqual(["kept-secret"]);
    expect(stored).toMatchObject({ description: "old", auth: { header_name: "X-Key" } });
  });
});
