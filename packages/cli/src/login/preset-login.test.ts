import { beforeAll, describe, expect, test } from "vitest";

import { loadPresets, type PresetCatalogue } from "../presets/preset-catalogue.js";
import { assertTenant } from "../presets/tenant.js";
import type { LoginFlags } from "./login-flags.js";
import { browserLogin, deviceLogin, type LoginAnswers } from "./login-request.js";
import type { LoginPreset } from "./preset-choice.js";
import { neededTenant, presetFields, type PresetUse } from "./preset-login.js";

let presets: PresetCatalogue;
beforeAll(async () => {
  presets = await loadPresets();
});

const IN_BROWSER: PresetUse = { baseUrl: undefined, hasClientFile: false, onDevice: false };
const FLAGS: LoginFlags = { requireIss: true, browser: true, wait: true };

async function login(id: string): Promise<LoginPreset> {
  const preset = await presets.get(id);
  if (preset?.oauth2 === undefined) throw new Error(`no login at ${id}`);
  return { ...preset, oauth2: preset.oauth2 };
}

/** The request that a login with the preset's example scopes makes, with a secret. */
async function request(id: string, tenant?: string, use = IN_BROWSER, flags = FLAGS): Promise<object> {
  const preset = await login(id);
  const fields = presetFields(preset, use, tenant);
  const answers: LoginAnswers = {
    ...{ service: "svc", clientId: "id", clientSecret: "secret", tlsCa: undefined },
    scopes: preset.oauth2.example_scopes ?? [],
    baseUrl: fields.base_url ?? "",
    authUrl: fields.auth_url,
    tokenUrl: fields.token_url,
    deviceUrl: fields.device_url,
  };
  const made = use.onDevice ? deviceLogin(answers, flags, fields) : browserLogin(answers, flags, fields);
  return JSON.parse(JSON.stringify(made)) as object;
}

const GOOGLE = {
  auth_url: "https://accounts.google.com/o/oauth2/v2/auth",
  token_url: "https://oauth2.googleapis.com/token",
  client_auth: "post",
  scope_separator: " ",
  authorize_params: { access_type: "offline", prompt: "consent" },
};
const CLOUD = "11111111-2222-3333-4444-555555555555";
const ATLASSIAN = {
  auth_url: "https://auth.atlassian.com/authorize",
  token_url: "https://auth.atlassian.com/oauth/token",
  ...{ client_auth: "post", token_body: "json", scope_separator: " " },
  authorize_params: { audience: "api.atlassian.com", prompt: "consent" },
};

describe("the request to the vault has all that the provider wants:", () => {
  test.each<[string, string | undefined, object]>([
    [
      "github",
      undefined,
      {
        base_url: "https://api.github.com",
        auth_url: "https://github.com/login/oauth/authorize",
        token_url: "https://github.com/login/oauth/access_token",
        ...{ client_auth: "post", scope_separator: " ", long_lived_token: true },
        scopes: ["repo", "read:user"],
      },
    ],
    ["gmail", undefined, { ...GOOGLE, base_url: "https://gmail.googleapis.com" }],
    ["google-calendar", undefined, { ...GOOGLE, base_url: "https://www.googleapis.com/calendar/v3" }],
    ["google-drive", undefined, { ...GOOGLE, base_url: "https://www.googleapis.com/drive/v3" }],
    ["google-sheets", undefined, { ...GOOGLE, base_url: "https://sheets.googleapis.com" }],
    [
      "microsoft-graph",
      "common",
      {
        base_url: "https://graph.microsoft.com",
        auth_url: "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
        token_url: "https://login.microsoftonline.com/common/oauth2/v2.0/token",
        ...{
          client_auth: "post",
          scope_separator: " ",
          scopes: ["User.Read", "Mail.Read", "offline_access"],
        },
      },
    ],
    [
      "slack",
      undefined,
      {
        base_url: "https://slack.com",
        auth_url: "https://slack.com/oauth/v2/authorize",
        token_url: "https://slack.com/api/oauth.v2.access",
        ...{ client_auth: "basic", scope_separator: ",", long_lived_token: true },
      },
    ],
    [
      "notion",
      undefined,
      {
        base_url: "https://api.notion.com",
        auth_url: "https://api.notion.com/v1/oauth/authorize",
        token_url: "https://api.notion.com/v1/oauth/token",
        ...{ client_auth: "basic", token_body: "json", authorize_params: { owner: "user" } },
        headers: { "Notion-Version": "2026-03-11" },
      },
    ],
    [
      "spotify",
      undefined,
      {
        base_url: "https://api.spotify.com",
        auth_url: "https://accounts.spotify.com/authorize",
        token_url: "https://accounts.spotify.com/api/token",
        ...{ client_auth: "basic", scope_separator: " " },
      },
    ],
    [
      "jira",
      CLOUD,
      {
        ...ATLASSIAN,
        base_url: `https://api.atlassian.com/ex/jira/${CLOUD}`,
        scopes: ["read:jira-work", "offline_access"],
      },
    ],
    ["confluence", CLOUD, { ...ATLASSIAN, base_url: `https://api.atlassian.com/ex/confluence/${CLOUD}` }],
    [
      "linear",
      undefined,
      {
        base_url: "https://api.linear.app",
        auth_url: "https://linear.app/oauth/authorize",
        token_url: "https://api.linear.app/oauth/token",
        ...{ client_auth: "post", scope_separator: "," },
      },
    ],
    [
      "hubspot",
      undefined,
      {
        base_url: "https://api.hubapi.com",
        auth_url: "https://app.hubspot.com/oauth/authorize",
        token_url: "https://api.hubapi.com/oauth/2026-03/token",
        client_auth: "post",
      },
    ],
    [
      "salesforce",
      "acme",
      {
        base_url: "https://acme.my.salesforce.com",
        auth_url: "https://acme.my.salesforce.com/services/oauth2/authorize",
        token_url: "https://acme.my.salesforce.com/services/oauth2/token",
        ...{ client_auth: "post", scopes: ["api", "refresh_token"] },
      },
    ],
    ["figma", undefined, { refresh_url: "https://api.figma.com/v1/oauth/refresh", client_auth: "basic" }],
    ["zendesk", "acme", { extra: { expires_in: 1800 }, base_url: "https://acme.zendesk.com" }],
  ])("%s", async (id, tenant, expected) => {
    const made = await request(id, tenant);
    expect(made).toMatchObject({
      ...expected,
      service_name: "svc",
      client_id: "id",
      client_secret: "secret",
    });
    expect(made).not.toHaveProperty("device_url");
    expect(made).not.toHaveProperty("offlineScope");
    if (!("long_lived_token" in expected)) expect(made).not.toHaveProperty("long_lived_token");
  });
});

test("on a device there is its endpoint in place of the other, and none of the browser's parameters", async () => {
  const made = await request("gmail", undefined, { ...IN_BROWSER, onDevice: true });
  expect(made).toMatchObject({
    device_url: "https://oauth2.googleapis.com/device/code",
    token_url: GOOGLE.token_url,
  });
  expect(made).not.toHaveProperty("auth_url");
  expect(made).not.toHaveProperty("authorize_params");
});

test("a client file brings its own endpoints", async () => {
  const made = await request("gmail", undefined, { ...IN_BROWSER, hasClientFile: true });
  expect(made).not.toHaveProperty("auth_url");
  expect(made).not.toHaveProperty("token_url");
});

test("what the command line says goes before the preset, and is added to it where both hold", async () => {
  const made = await request(
    "notion",
    undefined,
    { ...IN_BROWSER, baseUrl: "https://other.example" },
    {
      ...FLAGS,
      ...{
        tokenBody: "form",
        clientAuth: "post",
        scopeSeparator: ",",
        longLivedToken: true,
        requireIss: false,
      },
      ...{
        refreshUrl: "https://r.example",
        issuer: "https://i.example",
        redirectUri: "https://v.example/cb",
      },
      ...{
        header: ["notion-version: 1", "X-More: 2"],
        extra: ["a=b"],
        authorizeParam: ["owner=none", "c=d"],
      },
      ...{ clientKeyFile: "k.pem", clientKeyId: "1", description: "mine", sessionCookies: true },
    },
  );
  expect(made).toMatchObject({
    base_url: "https://other.example",
    ...{
      token_body: "form",
      client_auth: "post",
      scope_separator: ",",
      long_lived_token: true,
      require_iss: false,
    },
    ...{
      refresh_url: "https://r.example",
      issuer: "https://i.example",
      redirect_uri: "https://v.example/cb",
    },
    ...{ extra: { a: "b" }, authorize_params: { owner: "none", c: "d" }, session_cookies: true },
    ...{ client_key_file: "k.pem", client_key_id: "1", description: "mine" },
  });
  expect(made).toHaveProperty("headers", { "notion-version": "1", "X-More": "2" });
});

test("a client without a secret is a public one, and without scopes there is no offline scope", async () => {
  const fields = presetFields(await login("microsoft-graph"), IN_BROWSER, "common");
  const answers = { service: "s", baseUrl: "b", scopes: [], clientId: "c", clientSecret: undefined };
  const open = { authUrl: "a", tokenUrl: "t", deviceUrl: undefined, tlsCa: undefined };
  const made = browserLogin({ ...answers, ...open }, FLAGS, fields);
  expect(made.client_auth).toBeUndefined();
  expect(made.scopes).toBeUndefined();
  expect(browserLogin({ ...answers, ...open }, { ...FLAGS, clientSecretFile: "f" }, fields).client_auth).toBe(
    "post",
  );
  const twice = browserLogin({ ...answers, ...open, scopes: ["offline_access", "x"] }, FLAGS, fields);
  expect(twice.scopes).toEqual(["offline_access", "x"]);
});

describe("a tenant", () => {
  test.each<[string, Partial<PresetUse>, boolean]>([
    ["github", {}, false],
    ["salesforce", {}, true],
    ["salesforce", { baseUrl: "https://x" }, true],
    ["salesforce", { baseUrl: "https://x", hasClientFile: true }, false],
    ["jira", {}, true],
    ["jira", { baseUrl: "https://x" }, false],
    ["microsoft-graph", {}, true],
    ["pipedrive", {}, true],
    ["pipedrive", { baseUrl: "https://x" }, false],
  ])("of %s with %j is needed: %s", async (id, use, isNeeded) => {
    expect(neededTenant(await login(id), { ...IN_BROWSER, ...use }) !== undefined).toBe(isNeeded);
  });

  test("that could lead elsewhere is refused, of every preset", async () => {
    const hostile = [
      "evil.example/",
      "a.evil.example#",
      "x@evil",
      "a b",
      "",
      "..",
      "$&",
      "a".repeat(254),
      "acme\n",
    ];
    for (const id of presets.ids) {
      const preset = await presets.get(id);
      for (const rule of [preset?.tenant, preset?.oauth2?.tenant]) {
        if (rule === undefined) continue;
        expect(() => assertTenant(rule, rule.example)).not.toThrow();
        for (const tenant of hostile)
          expect(() => assertTenant(rule, tenant)).toThrow("cannot be the --tenant");
      }
    }
  });
});
