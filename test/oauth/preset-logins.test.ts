import { afterAll, beforeAll, expect, test } from "vitest";
import { browserLogin, deviceLogin } from "../../packages/cli/src/login/login-request.js";
import type { LoginPreset } from "../../packages/cli/src/login/preset-choice.js";
import { neededTenant, presetFields } from "../../packages/cli/src/login/preset-login.js";
import { loadPresets } from "../../packages/cli/src/presets/preset-catalogue.js";
import { startServer, temporaryDirectory, type RunningServer } from "../live/processes.js";
import { call, unlock } from "../live/vault-calls.js";

/*
 * Every preset makes a request that the built server takes: a field that one of them misspells would show when a person
 * logs in, and not before.
 */

const FLAGS = { requireIss: true, browser: false, wait: true };

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let server: RunningServer;
let admin: string;

beforeAll(async () => {
  directory = await temporaryDirectory();
  server = await startServer({ dataDir: directory.path });
  admin = await unlock(server);
});
afterAll(async () => {
  await server.stop();
  await directory.remove();
});

async function loginPresets(): Promise<[string, LoginPreset][]> {
  const presets = await loadPresets();
  const entries = presets.idsWithLogin.map(async (id) => [id, await presets.get(id)]);
  return (await Promise.all(entries)) as [string, LoginPreset][];
}

test("a login in a browser at each of them may begin", async () => {
  const presets = await loginPresets();
  expect(presets.length).toBeGreaterThan(40);
  for (const [id, preset] of presets) {
    const use = { baseUrl: undefined, hasClientFile: false, onDevice: false };
    const tenant = neededTenant(preset, use);
    const fields = presetFields(preset, use, tenant?.default ?? tenant?.example);
    const answers = {
      ...{ service: id, clientId: "client", clientSecret: "client-s3cret-0123456789", tlsCa: undefined },
      ...{ baseUrl: fields.base_url ?? "", authUrl: fields.auth_url, tokenUrl: fields.token_url },
      ...{ scopes: preset.oauth2.example_scopes ?? [], deviceUrl: undefined },
    };
    const body = JSON.stringify(browserLogin(answers, FLAGS, fields));
    const answer = await call(server.address, "POST", "/auth/oauth2/authorize", { token: admin, body });
    expect(answer.status, `${id}: ${answer.text}`).toBe(200);
    const { auth_url } = answer.json as { auth_url: string };
    expect(auth_url).not.toMatch(/\{|%7B/);
    const { searchParams } = new URL(auth_url);
    for (const [name, value] of Object.entries(preset.oauth2.extra_authorize_params ?? {})) {
      expect(searchParams.get(name), id).toBe(String(value));
    }
  }
});

test("a request on a device has no field that the server does not know", async () => {
  const presets = (await loginPresets()).filter(([, { oauth2 }]) => oauth2.device_url !== undefined);
  expect(presets.length).toBeGreaterThan(5);
  for (const [id, preset] of presets) {
    const use = { baseUrl: undefined, hasClientFile: false, onDevice: true };
    const tenant = neededTenant(preset, use);
    const fields = presetFields(preset, use, tenant?.default ?? tenant?.example);
    const answers = {
      ...{ service: id, clientId: "client", clientSecret: undefined, tlsCa: undefined, authUrl: undefined },
      ...{ baseUrl: fields.base_url ?? "", tokenUrl: fields.token_url, scopes: ["x"] },
      // Nothing is asked of the provider: the server refuses this address, and it alone.
      deviceUrl: "https://169.254.169.254/device",
    };
    const body = JSON.stringify(deviceLogin(answers, FLAGS, fields));
    const answer = await call(server.address, "POST", "/auth/oauth2/device", { token: admin, body });
    expect(answer.json, `${id}: ${answer.text}`).toMatchObject({
      error: expect.stringMatching(/^device_url: /) as unknown,
    });
  }
});
