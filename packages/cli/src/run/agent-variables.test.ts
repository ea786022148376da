import { describe, expect, test } from "vitest";

import { loadPresets } from "../presets/preset-catalogue.js";
import { agentEnvironment, sdkVariables } from "./agent-variables.js";

const ADDRESS = "http://127.0.0.1:8390";
const TOKEN = `tok_${"P".repeat(43)}`;

async function variables(
  presetId: string,
  baseUrl: string,
  address = ADDRESS,
): Promise<Record<string, string>> {
  const preset = await (await loadPresets()).get(presetId);
  if (preset === undefined) throw new Error(`no preset ${presetId}`);
  return sdkVariables({ presetId, preset, service: "svc", baseUrl }, address, TOKEN);
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

  test("holds of every preset that has one, of a service as the preset makes it", async () => {
    const catalogue = await loadPresets();
    const refused: string[] = [];
    for (const id of catalogue.ids) {
      const preset = await catalogue.get(id);
      if (preset?.sdk_base_url_env?.default === undefined) continue;
      try {
        await variables(id, preset.base_url);
      } catch {
        refused.push(id);
      }
    }
    // Their SDKs begin with the path that the preset's base URL has already.
    expect(refused).toEqual(["groq", "replicate", "cerebras", "sentry", "digitalocean", "airtable"]);
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
