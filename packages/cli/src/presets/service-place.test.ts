import { beforeAll, describe, expect, test } from "vitest";

import { loadPresets, type PresetCatalogue } from "./preset-catalogue.js";
import { sdkVariables } from "./sdk-variables.js";
import { callersPrefix, servicePlace } from "./service-place.js";
import { presetOf } from "./service-preset.js";

let presets: PresetCatalogue;
beforeAll(async () => {
  presets = await loadPresets();
});

const V1 = { base_url: "https://api.example.com/v1" };

describe("servicePlace", () => {
  test("leaves the path of the base URL to the callers", () => {
    expect(servicePlace(V1, V1.base_url)).toEqual({ baseUrl: "https://api.example.com", prefix: "/v1" });
    const plain = { base_url: "https://api.example.com" };
    expect(servicePlace(plain, plain.base_url)).toEqual({ baseUrl: "https://api.example.com", prefix: "" });
  });

  test("keeps a path that bounds the service: to its tenant, or to one API of its host", () => {
    const shared = { ...V1, shared_host: true } as const;
    expect(servicePlace(shared, V1.base_url)).toEqual({ baseUrl: V1.base_url, prefix: "" });
    const tenant = { base_url: "https://api.example.com/x/{tenant}" };
    expect(servicePlace(tenant, "https://api.example.com/x/acme").baseUrl).toBe(
      "https://api.example.com/x/acme",
    );
  });

  test.each([
    ["https://eu.example.com", "https://eu.example.com"],
    ["https://eu.example.com/v1", "https://eu.example.com"],
    ["https://eu.example.com/v1//", "https://eu.example.com"],
    ["https://gateway.example.com/a/v1", "https://gateway.example.com/a"],
    ["https://gateway.example.com/a", "https://gateway.example.com/a"],
  ])("takes %s in its place as %s", (given, baseUrl) => {
    expect(servicePlace(V1, given)).toEqual({ baseUrl, prefix: "/v1" });
  });
});

describe("sdkVariables: behind the vault's address comes the path that the SDK's default has", () => {
  test.each([
    ["openai", "OPENAI_BASE_URL", "OPENAI_API_KEY", "/v1"],
    ["anthropic", "ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY", ""],
    ["google-gemini", "GOOGLE_GEMINI_BASE_URL", "GEMINI_API_KEY", ""],
    ["groq", "GROQ_BASE_URL", "GROQ_API_KEY", ""],
    ["cloudflare", "CLOUDFLARE_BASE_URL", "CLOUDFLARE_API_TOKEN", "/client/v4"],
    ["digitalocean", "DIGITALOCEAN_API_URL", "DIGITALOCEAN_ACCESS_TOKEN", "/"],
    ["sentry", undefined, "SENTRY_AUTH_TOKEN", "/api/0"],
    ["npm", "npm_config_registry", "NPM_TOKEN", ""],
    ["slack", undefined, "SLACK_BOT_TOKEN", "/api"],
    ["google-drive", undefined, undefined, ""],
  ])("%s", async (id, baseUrl, key, path) => {
    const preset = await presets.get(id);
    if (preset === undefined) throw new Error("no such preset");
    expect(sdkVariables(preset, callersPrefix(preset))).toEqual({ baseUrl, key, path });
  });
});

describe("presetOf finds by what preset a service was made", () => {
  test.each([
    ["openai", "https://api.openai.com", "openai"],
    ["work", "https://api.openai.com", "openai"],
    ["openai", "https://openai.example", undefined],
    ["openai", "https://api.anthropic.com", "anthropic"],
    ["jira", "https://acme.atlassian.net", "jira"],
    ["jira", "https://acme.evil.net", undefined],
    ["jira", "https://a/b.atlassian.net", undefined],
    ["telegram", "https://api.telegram.org/bot{token}", "telegram"],
    ["google-drive", "https://www.googleapis.com/drive/v3", "google-drive"],
    ["x", "https://www.googleapis.com/youtube/v3", "youtube"],
    ["x", "https://www.googleapis.com", undefined],
    ["x", "no URL", undefined],
  ])("%s at %s: %s", async (name, baseUrl, id) => {
    expect((await presetOf(presets, { name, base_url: baseUrl }))?.id).toBe(id);
  });

  test("none of a service without a base URL", async () => {
    expect(await presetOf(presets, { name: "openai" })).toBeUndefined();
  });
});
