import { expect, test } from "vitest";

import { loadPresets } from "../presets/preset-catalogue.js";
import { callersPrefix } from "../presets/service-place.js";
import { nextSteps } from "./next-steps.js";

async function steps(id: string | undefined, type = "bearer", vaultAddress = "http://127.0.0.1:8390") {
  const found = id === undefined ? undefined : await (await loadPresets()).get(id);
  const preset =
    found === undefined || id === undefined ? undefined : { id, preset: found, prefix: callersPrefix(found) };
  return nextSteps({ service: { name: "svc", auth_type: type }, preset, vaultAddress, bin: "vault-cli" });
}

const TOKEN = "vault-cli token create --service svc --ttl 8h";

test("an SDK's own variables are named where they are known", async () => {
  expect(await steps("openai")).toEqual([
    "  OPENAI_BASE_URL=http://127.0.0.1:8390/proxy/svc/v1",
    `  OPENAI_API_KEY=$(${TOKEN})`,
  ]);
  expect(await steps("stripe")).toEqual([
    "  base URL  http://127.0.0.1:8390/proxy/svc",
    `  STRIPE_SECRET_KEY=$(${TOKEN})`,
  ]);
});

test("of other services the two lines are in words", async () => {
  expect(await steps(undefined, "header", "https://vault.example/")).toEqual([
    "  base URL  https://vault.example/proxy/svc",
    `  token     ${TOKEN}`,
  ]);
  expect(await steps(undefined, "bearer", "unix:/run/vault.sock")).toContain("  base URL  /proxy/svc");
  expect((await steps(undefined, "postgres"))[0]).toBe("  open      vault-cli postgres svc");
  expect((await steps(undefined, "ssh_key"))[0]).toBe("  run       vault-cli ssh svc COMMAND");
});
