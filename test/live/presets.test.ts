import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ServiceDefinition } from "@vault-proxy/client";
import type { CommandContext } from "../../packages/cli/src/command-context.js";
import { loadPresets } from "../../packages/cli/src/presets/preset-catalogue.js";
import {
  presetBlanks,
  presetProblem,
  presetSecretLabels,
} from "../../packages/cli/src/service-add/preset-credential.js";
import { serviceOfPreset } from "../../packages/cli/src/service-add/preset-service.js";
import { startTmux, type Tmux } from "../ssh/tmux.js";
import { startLiveVault, type LiveVault } from "./live-vault.js";
import { cli, type CliResult } from "./processes.js";
import { headerValues } from "./tls-upstream.js";
import { call } from "./vault-calls.js";

/* Presets and `service add` against the built server, and an HTTPS API of this machine in the place of the real ones. */

const CLI = fileURLToPath(new URL("../../packages/cli/dist/main.js", import.meta.url));
const KEY = "sk-proj-live-T3BlbkFJ-S3cret-0123456789";
const LIMITED = "sk-proj-limited-T3BlbkFJ-S3cret-0123456789";

let vault: LiveVault;

beforeAll(async () => {
  vault = await startLiveVault({
    answer: (request, response) => {
      const [key = ""] = headerValues(request.rawHeaders, "authorization");
      const known = { [`Bearer ${KEY}`]: 200, [`Bearer ${LIMITED}`]: 403 }[key] ?? 401;
      const isSlack = request.url === "/api/auth.test";
      const status = isSlack || headerValues(request.rawHeaders, "x-api-key")[0] === KEY ? 200 : known;
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify({ ok: known === 200, echo: key }));
    },
  });
  await uploadKeys();
});
afterAll(() => vault.close());
beforeEach(() => {
  vault.upstream.requests.length = 0;
});

function run(args: readonly string[], stdin = ""): Promise<CliResult> {
  return cli(args, { stdin, env: { VAULT_ADDR: vault.server.address, VAULT_TOKEN: vault.admin } });
}

/** What puts the API of this machine in the place of the real one. */
function here(path = ""): string[] {
  const { caPath } = vault.certificates;
  return ["--base-url", vault.upstream.origin + path, "--allow-private", "--tls-ca", caPath];
}

async function names(): Promise<string[]> {
  const { json } = await call(vault.server.address, "GET", "/services", { token: vault.admin });
  return (json as { name: string }[]).map(({ name }) => name);
}

/** Stores the files `key.json` and `app.pem`, which Google's and GitHub's presets name. */
async function uploadKeys(): Promise<void> {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const keyFile = join(vault.server.dataDir, "..", `google-${process.pid}.json`);
  const pem = privateKey.export({ type: "pkcs8", format: "pem" });
  const google = { type: "service_account", client_email: "a@b.iam.gserviceaccount.com", private_key: pem };
  writeFileSync(keyFile, JSON.stringify({ ...google, private_key_id: "k" }));
  expect(await run(["file", "upload", "key.json", keyFile])).toMatchObject({ code: 0 });
  writeFileSync(keyFile, pem);
  expect(await run(["file", "upload", "app.pem", keyFile])).toMatchObject({ code: 0 });
}

test("the server takes what every preset makes", async () => {
  const presets = await loadPresets();
  const made: ServiceDefinition[] = [];
  for (const id of presets.ids) {
    const preset = await presets.get(id);
    if (preset === undefined || presetProblem(id, preset, "vault-cli") !== undefined) continue;
    const { tenant } = preset;
    const secrets = presetSecretLabels(preset).map((_, index) => `S3cret-${index}-0123456789abcdef`);
    const context = {
      stdin: Readable.from([`${secrets.join("\n")}\n`]),
      output: { warn: () => undefined },
    } as unknown as CommandContext;
    const { definition } = await serviceOfPreset(
      context,
      { id, preset, name: id, stepByStep: false },
      {
        ...{ scrub: true, secretStdin: true },
        ...(tenant === undefined || tenant.default !== undefined ? {} : { tenant: tenant.example }),
        ...(preset.auth.type === "basic" && preset.auth.password_literal === undefined
          ? { username: "ann" }
          : {}),
        ...(preset.auth.type === "oauth2_client" ? { oauth2ClientId: "client" } : {}),
        ...(preset.auth.type === "service_account" ? { serviceAccountFile: "key.json" } : {}),
        ...(presetBlanks(preset).length > 0
          ? { oauth2Extra: presetBlanks(preset).map((name) => `${name}=1`) }
          : {}),
      },
    );
    made.push(definition);
  }
  const answers = await Promise.all(
    made.map((definition) => {
      const body = JSON.stringify(definition);
      return call(vault.server.address, "POST", "/services", { token: vault.admin, body });
    }),
  );
  for (const [index, { status, json, text }] of answers.entries()) {
    expect(status, `${made[index]!.name}: ${text}`).toBe(201);
    expect((json as { base_url: string }).base_url).not.toContain("{tenant}");
  }
  expect(made.length).toBeGreaterThan(100);
  await Promise.all(
    made.map(({ name }) => call(vault.server.address, "DELETE", `/services/${name}`, { token: vault.admin })),
  );
});

describe("service add with a preset", () => {
  test("asks for the key only, tests it, and says what an agent needs", async () => {
    const added = await run(
      ["service", "add", "openai", "--preset", "openai", ...here(), "--secret-stdin", "--test"],
      KEY,
    );
    expect(added).toMatchObject({ code: 0, stdout: "Service added.\n" });
    expect(added.stderr).toContain("openai: ok (HTTP 200): OpenAI takes the credential");
    expect(added.stderr).toContain("$(vault-cli token create --service openai --ttl 8h)");
    expect(vault.upstream.requests.map(({ method, target }) => `${method} ${target}`)).toEqual([
      "GET /v1/models",
    ]);
    const baseUrl = /OPENAI_BASE_URL=(\S+)/.exec(added.stderr)?.[1];
    expect(baseUrl).toBe(`${vault.server.address}/proxy/openai/v1`);
    const response = await fetch(`${baseUrl}/models`, {
      headers: { authorization: `Bearer ${vault.token}` },
    });
    expect(response.status).toBe(200);
    expect(await response.text()).not.toContain(KEY);
    expect(vault.upstream.requests.at(-1)?.target).toBe("/v1/models");
  });

  test("takes another name, and a base URL with the preset's own path", async () => {
    const args = [
      "service",
      "add",
      "work",
      "--preset",
      "openai",
      ...here("/v1/"),
      "--secret-stdin",
      "--json",
      "--test",
    ];
    const added = await run(args, `${KEY}\n`);
    expect(added.code).toBe(0);
    expect(JSON.parse(added.stdout)).toMatchObject({
      ...{ name: "work", base_url: vault.upstream.origin, auth_type: "bearer" },
      test: { ok: true, status: 200 },
    });
    expect(vault.upstream.requests[0]?.target).toBe("/v1/models");
  });

  test.each([
    ["sk-proj-wrong-T3BlbkFJ-0123456789", "OpenAI refused the credential (HTTP 401)", "mistyped, revoked"],
    [LIMITED, "OpenAI refused this call (HTTP 403)", "it may still do other calls"],
    ["hunter2-hunter2-hunter2", "does not look like a key of OpenAI", "it is stored as it is"],
  ])(
    "that the API does not take tells what its answer means, and exits 1: %s",
    async (key, message, hint) => {
      const added = await run(
        ["service", "add", "bad", "--preset", "openai", ...here(), "--secret-stdin", "--test", "--replace"],
        key,
      );
      expect(added).toMatchObject({ code: 1, stdout: "Service added.\n" });
      expect(added.stderr).toContain(message);
      expect(added.stderr).toContain(hint);
      expect(added.stderr).not.toContain(key);
      expect(added.stderr).not.toContain("For an agent");
      expect(await names()).toContain("bad");
    },
  );

  test("sends the headers that the API wants, but for one that the user sets", async () => {
    const add = [
      "service",
      "add",
      "anthropic",
      "--preset",
      "anthropic",
      ...here(),
      "--secret-stdin",
      "--test",
      "--replace",
    ];
    expect(await run(add, KEY)).toMatchObject({ code: 0 });
    const sent = () => headerValues(vault.upstream.requests.at(-1)?.rawHeaders ?? [], "anthropic-version");
    expect(sent()).toEqual(["2023-06-01"]);
    expect(await run([...add, "--header", "Anthropic-Version: 2030-01-01"], KEY)).toMatchObject({ code: 0 });
    expect(sent()).toEqual(["2030-01-01"]);
  });

  test("looks into the answer of an API that says 200 to every key", async () => {
    const add = ["service", "add", "slack", "--preset", "slack", ...here(), "--secret-stdin", "--test"];
    expect(await run(add, KEY)).toMatchObject({ code: 0 });
    const refused = await run(["service", "update", "slack", "--secret-stdin", "--test"], "xoxb-0123456789");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("Slack answered as it does to a wrong credential");
    expect(vault.upstream.requests.map(({ method, target }) => `${method} ${target}`)).toEqual([
      ...["POST /api/auth.test", "POST /api/auth.test"],
    ]);
  });

  test("tells what the vault itself refuses, and how to allow it", async () => {
    const args = [
      "service",
      "add",
      "blocked",
      "--preset",
      "openai",
      "--base-url",
      "https://localhost:1",
      "--test",
    ];
    const added = await run([...args, "--secret-stdin"], KEY);
    expect(added.code).toBe(1);
    expect(added.stderr).toContain("--allow-private");
  });

  test("of an API that gives no keys leads to its login", async () => {
    const refused = await run(["service", "add", "gmail", "--secret-stdin"], KEY);
    expect(refused).toEqual({
      ...{ code: 1, stdout: "" },
      stderr:
        "error: Gmail gives no keys: it wants a login: run `vault-cli oauth login gmail --client-id ID`\n",
    });
  });
});

describe("service add --from-json", () => {
  const ALL = [
    { name: "j-bearer", base_url: "https://a.example", auth: { type: "bearer", token: "S3cret-0123456789" } },
    {
      ...{ name: "j-header", base_url: "https://a.example" },
      auth: { type: "header", header_name: "X-Key", header_value: "S3cret-0123456789" },
    },
    {
      name: "j-headers",
      base_url: "https://a.example",
      auth: { type: "headers", headers: { "X-A": "S3cret-01234" } },
    },
    { name: "j-basic", base_url: "https://a.example", auth: { type: "basic", username: "u", password: "" } },
    {
      name: "j-url",
      base_url: "https://a.example/bot{token}",
      auth: { type: "url", token: "S3cret-0123456789" },
    },
    {
      name: "j-query",
      base_url: "https://a.example",
      auth: { type: "query", params: { key: "S3cret-0123456789" } },
    },
    {
      ...{ name: "j-client", base_url: "https://a.example" },
      auth: {
        ...{
          type: "oauth2_client",
          grant: "client_credentials",
          client_id: "c",
          client_secret: "S3cret-0123456789",
        },
        token_url: "https://id.example/token",
      },
    },
    {
      name: "j-imap",
      auth: { type: "imap", imap_host: "m.example", imap_user: "u", imap_password: "S3cret-01" },
    },
    {
      name: "j-smtp",
      auth: { type: "smtp", smtp_host: "m.example", smtp_user: "u", smtp_password: "S3cret-01" },
    },
    { name: "j-redis", auth: { type: "redis", redis_host: "r.example", redis_password: "S3cret-0123" } },
    {
      name: "j-postgres",
      auth: {
        type: "postgres",
        postgres_host: "p.example",
        postgres_user: "u",
        postgres_password: "S3cret-01",
      },
    },
    {
      name: "j-ssh",
      auth: { type: "ssh_key", ssh_host: "s.example", ssh_user: "u", ssh_password: "S3cret-0123" },
    },
  ];

  test("stores one service, or several of every type", async () => {
    const several = await run(["service", "add", "--from-json", "-", "--no-test"], JSON.stringify(ALL));
    expect(several).toMatchObject({ code: 0, stdout: `${ALL.length} services added.\n` });
    expect(await names()).toEqual(expect.arrayContaining(ALL.map(({ name }) => name)));
    const one = await run(["service", "add"], JSON.stringify(ALL[0]));
    expect(one).toEqual({ code: 0, stdout: "Service added.\n", stderr: "" });
    const json = await run(["service", "add", "--from-json", "-", "--json"], JSON.stringify(ALL.slice(0, 2)));
    expect(JSON.parse(json.stdout)).toMatchObject([{ name: "j-bearer" }, { name: "j-header" }]);
    expect(json.stdout).not.toContain("S3cret");
  });

  test("names the service and the field that is wrong, and what was added before it", async () => {
    const wrong = {
      name: "j-wrong",
      base_url: "https://a.example",
      auth: { type: "bearer", tokken: "S3cret" },
    };
    const refused = await run(["service", "add"], JSON.stringify([ALL[0], wrong, ALL[1]]));
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toMatch(
      /^error: service 2 of 3, j-wrong: auth\.token.*: added before it: j-bearer\n$/,
    );
    expect(refused.stderr).not.toContain("S3cret");
    expect(await names()).not.toContain("j-wrong");
  });
});

test("without a terminal and without anything, service add names the flags", async () => {
  const refused = await run(["service", "add"]);
  expect(refused).toMatchObject({ code: 2, stdout: "" });
  expect(refused.stderr).toContain("--secret-stdin; or give --name, --base-url, --type");
});

describe("vault-cli presets", () => {
  test("lists them, finds some, and shows all that is known of one", async () => {
    const all = await run(["presets", "--json"]);
    expect(JSON.parse(all.stdout)).toHaveLength(112);
    const ai = JSON.parse((await run(["presets", "--category", "ai", "--json"])).stdout) as {
      category: string;
    }[];
    expect(new Set(ai.map(({ category }) => category))).toEqual(new Set(["ai"]));
    const found = await run(["presets", "atlassian"]);
    expect(found.stdout.split("\n").map((line) => line.split(/\s/)[0])).toEqual([
      "ID",
      "jira",
      "confluence",
      "",
    ]);
    const shown = await run(["presets", "show", "openai"]);
    expect(shown).toMatchObject({ code: 0, stderr: "" });
    expect(shown.stdout).toMatch(/^base URL +https:\/\/api\.openai\.com\/v1$/m);
    expect(shown.stdout).toMatch(/^page +https:\/\/platform\.openai\.com\//m);
    expect(JSON.parse((await run(["presets", "show", "OpenAI", "--json"])).stdout)).toMatchObject({
      id: "openai",
    });
  });

  test("says what may have been meant", async () => {
    expect((await run(["presets", "show", "opneai"])).stderr).toContain("did you mean openai?");
    expect((await run(["presets", "show", "google"])).stderr).toContain("google-drive");
    expect((await run(["presets", "stirpe"])).stderr).toContain("No preset fits. Did you mean stripe?");
    expect((await run(["presets", "--category", "aii"])).stderr).toContain("there are ai, ");
  });
});

describe("in a terminal of 80 by 24", () => {
  let tmux: Tmux;
  beforeEach(async () => {
    tmux = await startTmux({ VAULT_ADDR: vault.server.address, VAULT_TOKEN: vault.admin });
    await tmux.resize(80, 24);
    return () => tmux.close();
  });

  async function start(...args: string[]): Promise<void> {
    await tmux.clear();
    await tmux.type(`'${process.execPath}' '${CLI}' service add ${args.join(" ")}; echo "ended:$?"`);
    await tmux.press("Enter");
  }

  test("service add asks step by step, shows no secret, tests, and says what is next", async () => {
    await start();
    await tmux.see(/an API that is not in this list/);
    await tmux.press("Enter");
    await tmux.see(/Where does its credential go/);
    await tmux.press("Enter");
    await tmux.see(/Name of the service/);
    await tmux.type("mine");
    await tmux.press("Enter");
    await tmux.see(/Base URL/);
    await tmux.type(vault.upstream.origin.replace("127.0.0.1", "localhost"));
    await tmux.press("Enter");
    await tmux.see(/May calls go there\?/);
    await tmux.press("Enter");
    await tmux.see(/Token/);
    await tmux.type(KEY);
    await tmux.press("Enter");
    await tmux.see(/credential {2}Authorization: Bearer …[^]*Add it\?/);
    await tmux.press("Enter");
    await tmux.see(/Service added\.[^]*warning: mine: [^]*ended:0/);
    expect(await tmux.screen()).not.toContain("S3cret");
    expect(await names()).toContain("mine");
  });

  test("a preset is found by typing", async () => {
    await start();
    await tmux.see(/Type to search/);
    await tmux.type("openro");
    await tmux.see(/● OpenRouter/);
    await tmux.press("Enter");
    await tmux.see(/Name of the service\nopenrouter/);
    await tmux.press("Enter");
    await tmux.see(/Key or token for OpenRouter/);
    await tmux.press("C-c");
    await tmux.see(/error: cancelled\nended:130/);
    expect(await names()).not.toContain("openrouter");
    expect(vault.upstream.requests).toEqual([]);
  });

  test("a preset by its name asks for the key, and before it replaces a service", async () => {
    await start("again", "--preset", "openai", ...here().map((word) => `'${word}'`));
    await tmux.see(/Key or token for OpenAI/);
    await tmux.type(KEY);
    await tmux.press("Enter");
    await tmux.see(/OpenAI takes the credential[^]*OPENAI_BASE_URL=\S+\/proxy\/again\/v1[^]*ended:0/);
    await start("again", "--preset", "openai", ...here().map((word) => `'${word}'`));
    await tmux.see(/There is a service again already[^]*Key or token for OpenAI/);
    await tmux.type(KEY);
    await tmux.press("Enter");
    await tmux.see(/This replaces its credential[^]*Replace it\?/);
    await tmux.press("Enter");
    await tmux.see(/nothing was changed\nended:1/);
    expect(await tmux.screen()).not.toContain("S3cret");
  });

  test("a key that the API refuses is asked for again, for as long as somebody wants to", async () => {
    await start("typo", "--preset", "openai", ...here().map((word) => `'${word}'`));
    await tmux.see(/Key or token for OpenAI/);
    await tmux.type("sk-proj-typo-T3BlbkFJ-0123456789");
    await tmux.press("Enter");
    await tmux.see(/OpenAI refused the credential \(HTTP 401\)\. Give it again\?/);
    await tmux.press("Enter");
    await tmux.see(/Give it again\?[^]*Key or token for OpenAI/);
    await tmux.type(KEY);
    await tmux.press("Enter");
    await tmux.see(/OpenAI takes the credential[^]*OPENAI_BASE_URL=[^]*ended:0/);
    expect(await tmux.screen()).not.toContain("S3cret");
    await start("typo2", "--preset", "openai", ...here().map((word) => `'${word}'`));
    await tmux.see(/service add typo2[^]*Key or token for OpenAI/);
    await tmux.type("sk-proj-typo-T3BlbkFJ-0123456789");
    await tmux.press("Enter");
    await tmux.see(/typo2[^]*Give it again\?/);
    await tmux.type("n");
    await tmux.see(/warning: typo2: OpenAI refused the credential[^]*service update typo2[^]*ended:0/);
  });

  test("what the vault refuses of an OAuth2 client, a GitHub App or a preset is asked again, and the rest stays", async () => {
    const enter = async (question: RegExp, text = ""): Promise<void> => {
      await tmux.see(question);
      if (text !== "") await tmux.type(text);
      await tmux.press("Enter");
    };
    const anew = async (question: RegExp, text: string): Promise<void> => {
      await tmux.see(question);
      await tmux.press("C-u");
      await tmux.type(text);
      await tmux.press("Enter");
    };
    await start(
      "erp",
      "--type oauth2_client --oauth2-grant client_credentials --base-url https://erp.example --no-test",
    );
    await enter(/Id of the client/, "me");
    await enter(/Token endpoint/, "http://id.example/token");
    await enter(/Client secret/, "S3cret");
    await tmux.see(/must be https[^]*Token endpoint\nhttp:\/\/id\.example\/token/);
    await anew(/must be https[^]*Token endpoint/, "https://id.example/token");
    await tmux.see(/Service added\.[^]*ended:0/);
    await start("repo", "--type github_app --no-test");
    await enter(/service add repo[^]*Id of the app/, "12");
    await enter(/Id of the installation/, "34x");
    await enter(/Name of the uploaded private key/, "none.pem");
    await anew(/must be a number[^]*Id of the installation/, "34");
    await anew(/no such file; upload it first[^]*private key/, "app.pem");
    await tmux.see(/Service added\.[^]*repo[^]*ended:0/);
    await start("gcs", "--preset gcp --tenant storage --no-test");
    await enter(/service add gcs[^]*Name of the uploaded key file/, "none.json");
    await enter(/no such file; upload it first[^]*Name of the uploaded key file/, "key.json");
    await tmux.see(/gcs[^]*Service added\.[^]*ended:0/);
    await start("acme", "--preset openai --base-url http://127.0.0.1:1 --no-test");
    await enter(/service add acme[^]*Key or token for OpenAI/, KEY);
    await anew(/must be https[^]*Base URL[^]*127\.0\.0\.1:1/, "https://ai.example");
    await tmux.see(/acme[^]*Service added\.[^]*base URL +https:\/\/ai\.example\n[^]*ended:0/);
    expect(await tmux.screen()).not.toContain("S3cret");
    const shown = await call(vault.server.address, "GET", "/services/erp", { token: vault.admin });
    expect(shown.json).toMatchObject({ auth_type: "oauth2_client", base_url: "https://erp.example" });
  });
});
