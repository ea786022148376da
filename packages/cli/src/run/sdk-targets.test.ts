import type { ServiceInfo } from "@vault-proxy/client";
import { describe, expect, test } from "vitest";

import { loadPresets } from "../presets/preset-catalogue.js";
import { findSdkTargets, parseSdkList } from "./sdk-targets.js";

const SETTINGS = { tls_skip_verify: false, session_cookies: false, allow_private: false };
const SERVICES: ServiceInfo[] = [
  { name: "openai", base_url: "https://api.openai.com/v1", auth_type: "bearer", ...SETTINGS },
  { name: "my-claude", base_url: "https://api.anthropic.com", auth_type: "header", ...SETTINGS },
];
const client = { listServices: () => Promise.resolve(SERVICES) };

async function find(list: string) {
  return findSdkTargets(parseSdkList(list), await loadPresets(), client, "vault-cli");
}

describe("--env", () => {
  test("takes names, and services of other names", async () => {
    expect(await find("openai,anthropic=my-claude")).toMatchObject([
      { presetId: "openai", service: "openai", baseUrl: "https://api.openai.com/v1" },
      { presetId: "anthropic", service: "my-claude", baseUrl: "https://api.anthropic.com" },
    ]);
  });

  test.each(["", "openai=", "=x", "a=b=c", "openai,,github"])("%j is wrong usage", (text) => {
    expect(() => parseSdkList(text)).toThrow("is not a name for --env");
  });

  test("suggests presets for a slip of the pen, and the service at the same API", async () => {
    await expect(find("opnai")).rejects.toMatchObject({ hint: "did you mean openai?" });
    await expect(find("anthropic")).rejects.toMatchObject({
      message: "there is no service anthropic",
      hint: expect.stringContaining("--env anthropic=my-claude") as string,
    });
    await expect(find("github")).rejects.toMatchObject({
      hint: "add it with `vault-cli service add github`",
    });
    await expect(find("github=work")).rejects.toMatchObject({
      hint: "add it with `vault-cli service add work --preset github`",
    });
  });

  test("tells how a service of another name is written", async () => {
    await expect(find("my-claude")).rejects.toMatchObject({
      message: "--env takes the name of an API, and my-claude is a service of yours",
      hint: "write --env anthropic=my-claude",
    });
  });

  test("tells of an API that no service can be added for", async () => {
    await expect(find("aws")).rejects.toMatchObject({
      message: expect.stringContaining("which the vault cannot do yet") as string,
      hint: expect.not.stringContaining("service add") as string,
    });
  });
});
