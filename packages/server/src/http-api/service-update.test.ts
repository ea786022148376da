import { describe, expect, test } from "vitest";
import {
  secretsOf,
  serviceDefinitionSchema,
  toServiceRecord,
} from "../auth-strategies/service-definition.js";
import { mergeServiceUpdate, type ServiceUpdateBody } from "./service-update.js";

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

const noFile = (): Promise<Buffer> => Promise.reject(new Error("no file is read here"));
const merge = (body: ServiceUpdateBody) => mergeServiceUpdate(stored, body, noFile);

describe("a service update", () => {
  test("keeps the secret that is left out, and nothing else", async () => {
    const merged = await merge({ base_url, auth: { type: "header", header_name: "X-Other" } });
    expect(secretsOf(merged).map((secret) => secret.reveal())).toEqual(["kept-secret"]);
    expect(merged).toMatchObject({ name: "api", allow_private: false, auth: { header_name: "X-Other" } });
    expect(merged).not.toHaveProperty("description");
  });

  test("does not fill in a field that is no secret", async () => {
    await expect(merge({ base_url, auth: { type: "header" } })).rejects.toThrow(
      /^auth\.header_name: is required$/,
    );
  });

  test("leaves the stored record as it was", async () => {
    await merge({
      base_url,
      auth: { type: "header", header_name: "X-Other", header_value: "new" },
    });
    expect(secretsOf(stored).map((secret) => secret.reveal())).toEqual(["kept-secret"]);
    expect(stored).toMatchObject({ description: "old", auth: { header_name: "X-Key" } });
  });
});
