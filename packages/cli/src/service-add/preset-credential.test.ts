import { beforeAll, describe, expect, test } from "vitest";

import type { Preset } from "../presets/preset.js";
import { loadPresets, type PresetCatalogue } from "../presets/preset-catalogue.js";
import type { ServiceFlags } from "../service-definition.js";
import {
  presetAuth,
  presetBlanks,
  presetProblem,
  presetSecretLabels,
  presetValues,
} from "./preset-credential.js";

let presets: PresetCatalogue;
beforeAll(async () => {
  presets = await loadPresets();
});

async function preset(id: string): Promise<Preset> {
  const found = await presets.get(id);
  if (found === undefined) throw new Error(`no preset ${id}`);
  return found;
}

interface Given {
  readonly flags?: ServiceFlags;
  readonly tenant?: string;
  readonly blanks?: Record<string, string>;
}

const GUID = "11111111-2222-3333-4444-555555555555";

describe("the credential goes where the preset says:", () => {
  test.each<[string, string[], Given, object]>([
    ["openai", ["s"], {}, { type: "bearer", token: "s" }],
    ["anthropic", ["s"], {}, { type: "header", header_name: "x-api-key", header_value: "s" }],
    ["deepgram", ["s"], {}, { type: "header", header_name: "Authorization", header_value: "Token s" }],
    ["deepgram", ["Token s"], {}, { type: "header", header_name: "Authorization", header_value: "Token s" }],
    ["linear", ["s"], {}, { type: "header", header_name: "Authorization", header_value: "s" }],
    [
      "datadog",
      ["a", "b"],
      {},
      { type: "headers", headers: { "DD-API-KEY": "a", "DD-APPLICATION-KEY": "b" } },
    ],
    ["trello", ["a", "b"], {}, { type: "query", params: { key: "a", token: "b" } }],
    ["telegram", ["1:s"], {}, { type: "url", token: "1:s" }],
    ["jira", ["s"], { flags: { username: "a@b.c" } }, { type: "basic", username: "a@b.c", password: "s" }],
    [
      "zendesk",
      ["s"],
      { flags: { username: "a@b.c" } },
      { type: "basic", username: "a@b.c/token", password: "s" },
    ],
    [
      "zendesk",
      ["s"],
      { flags: { username: "a/token" } },
      { type: "basic", username: "a/token", password: "s" },
    ],
    ["mailgun", ["s"], {}, { type: "basic", username: "api", password: "s" }],
    ["freshdesk", ["s"], {}, { type: "basic", username: "s", password: "X" }],
    [
      "azure",
      ["s"],
      { flags: { oauth2ClientId: "c" }, tenant: GUID },
      {
        ...{ type: "oauth2_client", grant: "client_credentials", client_id: "c", client_secret: "s" },
        ...{ client_auth: "post", scopes: ["https://management.azure.com/.default"] },
        token_url: `https://login.microsoftonline.com/${GUID}/oauth2/v2.0/token`,
      },
    ],
    [
      "zoom",
      ["s"],
      { flags: { oauth2ClientId: "c" }, blanks: { account_id: "acc" } },
      {
        ...{ type: "oauth2_client", grant: "client_credentials", client_id: "c", client_secret: "s" },
        ...{ client_auth: "basic", token_url: "https://zoom.us/oauth/token" },
        extra: { grant_type: "account_credentials", account_id: "acc" },
      },
    ],
    [
      "gcp",
      [],
      { flags: { serviceAccountFile: "key.json" } },
      {
        ...{
          type: "service_account",
          file_ref: "key.json",
          sa_token_url: "https://oauth2.googleapis.com/token",
        },
        sa_scopes: ["https://www.googleapis.com/auth/cloud-platform"],
      },
    ],
  ])("%s of %j", async (id, secrets, { flags = {}, tenant, blanks = {} }, expected) => {
    const auth = presetAuth(await preset(id), { secrets, flags, tenant, blanks });
    expect(JSON.parse(JSON.stringify(auth))).toEqual(expected);
  });
});

test.each([
  ["openai", []],
  ["openai", [""]],
  ["openai", ["sk-hush", "b"]],
  ["datadog", ["sk-hush"]],
  ["trello", ["sk-hush", ""]],
])("%s refuses %j without repeating it", async (id, secrets) => {
  const made = await preset(id);
  const refused = () => presetAuth(made, { secrets, flags: {}, tenant: undefined, blanks: {} });
  expect(refused).toThrow(expect.objectContaining({ name: "UsageError" }));
  expect(refused).not.toThrow("hush");
});

test("what is asked for is called as the provider calls it", async () => {
  expect(presetSecretLabels(await preset("openai"))).toEqual([
    "Key or token for OpenAI (others keep it in OPENAI_API_KEY)",
  ]);
  expect(presetSecretLabels(await preset("datadog"))).toEqual([
    "DD-API-KEY of Datadog",
    "DD-APPLICATION-KEY of Datadog",
  ]);
  expect(presetValues(await preset("jira")).map(({ question }) => question)).toEqual([
    "Atlassian account email, for Jira Cloud",
  ]);
  expect(presetValues(await preset("mailgun"))).toEqual([]);
  expect(presetBlanks(await preset("zoom"))).toEqual(["account_id"]);
});

test.each([
  ["gmail", "wants a login", "vault-cli oauth login gmail"],
  ["aws", "signed", "docs.aws.amazon.com"],
  ["docker-hub", "trades its secret", "--type bearer"],
])("of %s the vault stores no key, and says why and what to do", async (id, problem, advice) => {
  const found = presetProblem(id, await preset(id), "vault-cli");
  expect(found?.problem).toContain(problem);
  expect(found?.advice).toContain(advice);
});

test("every other preset takes a key", async () => {
  const ids = await Promise.all(
    presets.ids.map(async (id) =>
      presetProblem(id, await preset(id), "vault-cli") === undefined ? [] : [id],
    ),
  );
  expect(ids.flat()).toEqual([
    ...["docker-hub", "aws", "microsoft-graph", "google-calendar", "gmail", "google-drive", "google-sheets"],
    ...["quickbooks", "xero", "reddit", "spotify"],
  ]);
});
