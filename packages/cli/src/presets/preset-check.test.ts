import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";

import { loadPresets, type PresetCatalogue } from "./preset-catalogue.js";
import { presetProblems } from "./preset-check.js";

const FILE = new URL("../../presets/providers.yaml", import.meta.url);

/** Names by which people know them, beside the ids. */
const WELL_KNOWN = [
  ...["google", "github", "microsoft", "slack", "notion", "spotify", "atlassian", "linear", "hubspot"],
  "salesforce",
];

describe("presets/providers.yaml", () => {
  let all: Record<string, unknown>;
  let presets: PresetCatalogue;
  beforeAll(async () => {
    // The parser refuses a key that stands twice.
    all = parse(await readFile(FILE, "utf8"), { uniqueKeys: true }) as Record<string, unknown>;
    presets = await loadPresets();
  });

  test("has 112 entries, each as its header says", () => {
    expect(Object.keys(all)).toHaveLength(112);
    expect(Object.entries(all).flatMap(([id, entry]) => presetProblems(id, entry))).toEqual([]);
  });

  test("is the same entry by entry as when it is parsed as a whole", async () => {
    expect(presets.ids).toEqual(Object.keys(all));
    const entries = await Promise.all(presets.ids.map(async (id) => [id, await presets.get(id)]));
    expect(Object.fromEntries(entries)).toEqual(all);
    expect(await presets.get("no-such-id")).toBeUndefined();
  });

  test("has no title, and no place, twice", () => {
    const entries = Object.values(all) as { title: string; base_url: string; category: string }[];
    const titles = entries.map(({ title }) => title);
    expect(titles.filter((title, index) => titles.indexOf(title) !== index)).toEqual([]);
    const places = entries.map(({ base_url, category }) => `${category} ${base_url}`);
    expect(places.filter((place, index) => places.indexOf(place) !== index)).toEqual([]);
  });

  test.each(WELL_KNOWN)("%s can be logged in to by that name", async (name) => {
    const ids = presets.ids.includes(name) ? [name] : presets.idsOfFamily(name);
    expect(ids).not.toEqual([]);
    for (const id of ids) expect(await presets.get(id)).toHaveProperty("oauth2.token_url");
  });
});

const GOOD = {
  title: "Acme",
  category: "data",
  family: "acme-family",
  base_url: "https://{tenant}.acme.com/v1",
  tenant: { meaning: "site", example: "acme", default: "acme", pattern: "^(?:[a-z]{1,9}|[a-z]+-x)$" },
  other_hosts: ["api.acme.com"],
  auth: { type: "header", header_name: "X-Key", value_prefix: "" },
  required_headers: { "X-Version": "1" },
  oauth2: {
    authorize_url: "https://acme.com/authorize",
    token_url: "https://{tenant}.acme.com/token",
    client_auth: "post",
    scope_separator: " ",
    offline_scope: "offline",
    example_scopes: ["read:x"],
    extra_token_params: { n: 1 },
    refresh: "rotates",
    expires_in: "absent",
    confidence: "high",
  },
  test: { method: "GET", path: "/me?x=1", expect: { status: 200, json_present: ["id"] } },
  key_pattern: "^k_[a-z]+$",
  env: ["ACME_KEY"],
  sdk_base_url_env: { name: "ACME_URL", includes_v1: true },
  docs: "https://acme.com/docs",
  confidence: "high",
  note: "None.",
};

/** `GOOD` with one value set; undefined takes it away. */
function spoilt(path: string, value: unknown): unknown {
  const copy = structuredClone(GOOD) as unknown as Record<string, unknown>;
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  let at = copy;
  for (const key of keys) at = at[key] as Record<string, unknown>;
  if (value === undefined) Reflect.deleteProperty(at, last);
  else at[last] = value;
  return copy;
}

test("an entry with all of it has no problem", () => {
  expect(presetProblems("acme", GOOD)).toEqual([]);
});

test.each<[string, unknown, string]>([
  ["title", undefined, "missing"],
  ["title", " Acme", "no text"],
  ["docs", undefined, "missing"],
  ["docs", "http://acme.com", "https"],
  ["colour", "red", "unknown"],
  ["oauth2.colour", "red", "unknown"],
  ["auth.colour", "red", "unknown"],
  ["test.expect.colour", "red", "unknown"],
  ["auth.type", "magic", "unknown"],
  ["auth.header_name", "X Key", "header"],
  ["family", "Acme!", "id"],
  ["base_url", "https://{tenant}.acme.com/v1/", "slash"],
  ["base_url", "https://{tenant}.acme.com/v1?x=1", "query"],
  ["base_url", "http://{tenant}.acme.com", "https"],
  ["base_url", "https://user@{tenant}.acme.com", "https"],
  ["base_url", "https://{tenant}.acme.com:444", "https"],
  ["oauth2.token_url", "https://{tenant}.acme.com/token#x", "more than"],
  ["oauth2.token_url", "https://{shop}.acme.com/token", "https"],
  ["oauth2.authorize_url", undefined, "missing"],
  ["oauth2.client_auth", "digest", "none of"],
  ["oauth2.extra_token_params", {}, "no map"],
  ["oauth2.extra_token_params", { n: true }, "no text"],
  ["oauth2.expires_in", 0, "no positive"],
  ["oauth2.expires_in", "never", "no positive"],
  ["oauth2.offline_scope", "two words", "scope"],
  ["oauth2.scope_separator", undefined, "scopes without"],
  ["oauth2.refresh", "none", "never end"],
  ["tenant", undefined, "go together"],
  ["tenant.pattern", "[a-z]+", "anchored"],
  ["tenant.pattern", "^[a-z]+", "anchored"],
  ["tenant.pattern", "^acme|b$", "anchored"],
  ["tenant.pattern", "^(?:acme$", "regular expression"],
  ["tenant.pattern", "^.+$", "takes"],
  ["tenant.pattern", "^[a-z./]+$", "takes"],
  ["tenant.pattern", "^[a-z]*$", "takes"],
  ["tenant.example", "ACME", "refuses"],
  ["tenant.default", "ACME", "refuses"],
  ["oauth2.tenant", { meaning: "m", example: "a", pattern: "^b$" }, "refuses"],
  ["other_hosts", ["https://api.acme.com"], "host name"],
  ["other_hosts", [], "no list"],
  ["env", ["A", "A"], "twice"],
  ["env", ["a-b"], "variable"],
  ["key_pattern", "(", "regular expression"],
  ["test.path", "me", "path"],
  ["test.method", "DELETE", "none of"],
  ["test.expect.status", "200", "no positive"],
  ["sdk_base_url_env.includes_v1", "yes", "neither"],
  ["sdk_base_url_env.trailing_slash", false, "none of"],
  ["confidence", "low", "none of"],
])("an entry whose %s is %j is refused", (path, value, problem) => {
  expect(presetProblems("acme", spoilt(path, value)).join("; ")).toContain(problem);
});

test("a tenant that nothing uses is refused, of the login as well", () => {
  expect(presetProblems("acme", spoilt("base_url", "https://acme.com"))).toEqual([]);
  const unused = { ...GOOD, base_url: "https://acme.com", oauth2: undefined };
  expect(
    presetProblems("acme", { ...unused, oauth2: { ...GOOD.oauth2, token_url: "https://a.com" } }),
  ).toEqual(["acme: tenant and {tenant} go together"]);
  const login = { ...GOOD.oauth2, token_url: "https://a.com", tenant: GOOD.tenant };
  expect(presetProblems("acme", { ...GOOD, oauth2: login })).toEqual([
    "acme.oauth2: a tenant that is used nowhere",
  ]);
});

test.each([null, [], "text", 5])("%j is no entry", (value) => {
  expect(presetProblems("acme", value)).toEqual(["acme: no map"]);
});
