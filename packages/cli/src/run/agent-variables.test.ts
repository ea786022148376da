import { describe, expect, test } from "vitest";

import { loadPresets } from "../presets/preset-catalogue.js";
import { servicePlace } from "../presets/service-place.js";
import { agentEnvironment, sdkEnvironment } from "./agent-variables.js";

const ADDRESS = "http://127.0.0.1:8390";
const TOKEN = `tok_${"P".repeat(43)}`;

async function variables(
  presetId: string,
  baseUrl: string,
  address = ADDRESS,
): Promise<Record<string, string>> {
  const preset = await (await loadPresets()).get(presetId);
  if (preset === undefined) throw new Error(`no preset ${presetId}`);
  return sdkEnvironment({ presetId, preset, service: "svc", baseUrl }, address, TOKEN);
}

describe("the address of an SDK", () => {
  test.each([
    ["openai", "https://api.openai.com/v1", "OPENAI_BASE_URL", ""],
    ["openai", "https://api.openai.com/v1/", "OPENAI_BASE_URL", ""],
    ["openai", "https://api.openai.com", "OPENAI_BASE_URL", "/v1"],
    ["openai", "https://gateway.example/openai/v1", "OPENAI_BASE_URL", ""],
    ["openai", "https://gateway.example/openai", "OPENAI_BASE_URL", "/v1"],
    ["anthropic", "https://api.anthropic.com", "ANTHROPIC_BASE_URL", ""],
    ["anthropic", "https://gateway.example/anthropic", "ANTHROPIC_BASE_URL", ""],
    ["github", "https://api.github.com", "GITHUB_API_URL", ""],
    ["cloudflare", "https://api.cloudflare.com/client/v4", "CLOUDFLARE_BASE_URL", ""],
    ["cloudflare", "https://api.cloudflare.com/client", "CLOUDFLARE_BASE_URL", "/v4"],
  ])("of %s for %s is in %s, with %j after the service", async (preset, baseUrl, name, path) => {
    expect((await variables(preset, baseUrl))[name]).toBe(`${ADDRESS}/proxy/svc${path}`);
  });

  test("is refused where its paths would be met twice, and by a unix socket", async () => {
    await expect(variables("anthropic", "https://api.anthropic.com/v1")).rejects.toMatchObject({
      hint: "store the service with the base URL https://api.anthropic.com for --env anthropic",
    });
    await expect(variables("openai", "https://api.openai.com/v1", "unix:/run/v.sock")).rejects.toThrow(
      "SDKs cannot reach the vault by its unix socket",
    );
  });

  test("comes with every variable that may hold the key", async () => {
    expect(await variables("github", "https://api.github.com")).toMatchObject({
      GITHUB_TOKEN: TOKEN,
      GH_TOKEN: TOKEN,
    });
  });

  test("is known of every preset whose SDK reads one, for the service that the preset makes", async () => {
    const catalogue = await loadPresets();
    for (const id of catalogue.ids) {
      const preset = await catalogue.get(id);
      const variable = preset?.sdk_base_url_env;
      if (preset === undefined || variable?.default === undefined) continue;
      const { baseUrl } = servicePlace(preset, preset.base_url);
      const address = (await variables(id, baseUrl))[variable.name] ?? "";
      // What the SDK's own default has behind its host comes behind the service's base URL.
      const reached = address.replace(`${ADDRESS}/proxy/svc`, baseUrl);
      expect(reached.replace(/\/$/, ""), id).toBe(variable.default.replace(/\/$/, ""));
    }
  });

  test.each([
    ["groq", "https://api.groq.com/openai/v1"],
    ["digitalocean", "https://api.digitalocean.com/v2"],
  ])("of %s is refused for a service with the path that its SDK adds", async (preset, baseUrl) => {
    const { origin } = new URL(baseUrl);
    await expect(variables(preset, baseUrl)).rejects.toMatchObject({
      hint: `store the service with the base URL ${origin} for --env ${preset}`,
    });
  });

  test("ends in a slash where the SDK would lose its path without", async () => {
    expect(await variables("digitalocean", "https://api.digitalocean.com")).toMatchObject({
      DIGITALOCEAN_API_URL: `${ADDRESS}/proxy/svc/`,
      DIGITALOCEAN_TOKEN: TOKEN,
    });
  });

  test("is refused where no SDK reads one, with what to do instead", async () => {
    await expect(variables("sentry", "https://sentry.io")).rejects.toMatchObject({
      message: "no variable is known by which programs take another address of Sentry",
      hint: expect.stringContaining("call it as $VAULT_ADDR/proxy/svc") as string,
    });
  });
});

describe("a program's environment", () => {
  const env = { PATH: "/bin", VAULT_TOKEN: "tok_admin", VAULT_PASSWORD_FILE: "/p", VAULT_PROXY_SOCK: "/s" };

  test("has the vault's address and its own token, and nothing else of the vault", () => {
    expect(agentEnvironment(env, ADDRESS, TOKEN)).toEqual({
      PATH: "/bin",
      VAULT_ADDR: ADDRESS,
      VAULT_TOKEN: TOKEN,
    });
  });

  test("names a socket wherever the program goes", () => {
    expect(agentEnvironment(env, "unix:run/v.sock", TOKEN)).toEqual({
      PATH: "/bin",
      VAULT_ADDR: `unix:${process.cwd()}/run/v.sock`,
      VAULT_PROXY_SOCK: `${process.cwd()}/run/v.sock`,
      VAULT_TOKEN: TOKEN,
    });
  });
});
