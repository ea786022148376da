import { inspect } from "node:util";
import fc from "fast-check";
import type { z } from "@hono/zod-openapi";
import { describe, expect, test } from "vitest";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { OutgoingRequest } from "./auth-strategy.js";
import {
  createInjector,
  describeService,
  secretsOf,
  serviceDefinitionSchema,
  serviceUpdateSchema,
  toServiceRecord,
  type ServiceRecord,
} from "./service-definition.js";

const SECRET = "s3cr3t-Value_0123456789";

function serviceWith(auth: object, settings: object = {}): ServiceRecord {
  return toServiceRecord(
    serviceDefinitionSchema.parse({ name: "svc", base_url: "https://api.example.com/v1", auth, ...settings }),
  );
}

function inject(record: ServiceRecord, request: Partial<OutgoingRequest> = {}): OutgoingRequest {
  const outgoing: OutgoingRequest = {
    method: "GET",
    basePath: new URL(record.base_url).pathname.replaceAll("%7B", "{").replaceAll("%7D", "}"),
    path: "/x",
    query: undefined,
    headers: [],
    ...request,
  };
  expect(createInjector(record).inject(outgoing)).toBeUndefined();
  return outgoing;
}

/** The dotted paths of all fields that the schema complains of. */
function complaints(definition: unknown, schema: z.ZodType = serviceDefinitionSchema): string[] {
  const result = schema.safeParse(definition);
  return result.success ? [] : result.error.issues.map((issue) => issue.path.join("."));
}

function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(VaultProxyError);
    expect((error as VaultProxyError).code).toBe("invalid_request");
    return (error as VaultProxyError).message;
  }
  return "accepted";
}

const KINDS = {
  bearer: { type: "bearer", token: SECRET },
  header: { type: "header", header_name: "X-Key", header_value: SECRET },
  headers: { type: "headers", headers: { "DD-API-KEY": SECRET, "DD-APPLICATION-KEY": "other-secret" } },
  basic: { type: "basic", username: "ann", password: SECRET },
  url: { type: "url", token: SECRET },
  query: { type: "query", params: { key: SECRET } },
} as const;

const baseUrlOf = (type: string): object =>
  type === "url" ? { base_url: "https://api.example.com/bot{token}" } : {};

describe("each kind injects its credential", () => {
  test("bearer", () => {
    expect(inject(serviceWith(KINDS.bearer)).headers).toEqual(["Authorization", `Bearer ${SECRET}`]);
  });

  test("header keeps the name's letter case", () => {
    expect(inject(serviceWith(KINDS.header)).headers).toEqual(["X-Key", SECRET]);
  });

  test("headers injects all", () => {
    expect(inject(serviceWith(KINDS.headers)).headers).toEqual([
      "DD-API-KEY",
      SECRET,
      "DD-APPLICATION-KEY",
      "other-secret",
    ]);
  });

  test.each([
    ["ann", "pass", "YW5uOnBhc3M="],
    ["sk_test_1", "", "c2tfdGVzdF8xOg=="],
    ["", "key", "OmtleQ=="],
    ["jürgen", "pä:ß", "asO8cmdlbjpww6Q6w58="],
  ])("basic of %s:%s is UTF-8 in base64", (username, password, encoded) => {
    expect(inject(serviceWith({ type: "basic", username, password })).headers).toEqual([
      "Authorization",
      `Basic ${encoded}`,
    ]);
  });

  test.each([
    ["123:ABC-def", "/bot123:ABC-def"],
    ["a/b", "/bota%2Fb"],
    ["a b?c#d%", "/bota%20b%3Fc%23d%25"],
    ["ü", "/bot%C3%BC"],
    ["a$&b$$c$'d$`e", "/bota$&b$$c$'d$%60e"],
  ])("url puts %s into the path, encoded for a segment", (token, basePath) => {
    const record = serviceWith({ type: "url", token }, { base_url: "https://api.example.com/bot{token}" });
    expect(inject(record).basePath).toBe(basePath);
  });

  test.each([
    [undefined, "key=a%26b%3Dc"],
    ["", "key=a%26b%3Dc"],
    ["q=1&r=%20+", "q=1&r=%20+&key=a%26b%3Dc"],
  ])("query %s becomes %s", (query, expected) => {
    const record = serviceWith({ type: "query", params: { key: "a&b=c" } });
    expect(inject(record, { query }).query).toBe(expected);
  });

  test("query parameters survive a standard parser whatever the secret is", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: "grapheme" }), (value) => {
        const record = serviceWith({ type: "query", params: { key: value } });
        expect(new URLSearchParams(inject(record).query).get("key")).toBe(value);
      }),
    );
  });
});

describe.each(Object.entries(KINDS))("a %s service", (type, auth) => {
  const record = serviceWith(auth, baseUrlOf(type));

  test("shows no secret in its info, in JSON, when inspected, or as text", () => {
    const shown = [
      JSON.stringify(describeService(record)),
      JSON.stringify(record),
      inspect(record, { depth: 9, showHidden: true }),
      secretsOf(record).map(String).join(),
    ].join();
    expect(shown).not.toContain(SECRET);
    expect(shown).not.toContain("other-secret");
  });

  test("names its secrets", () => {
    expect(secretsOf(record).map((secret) => secret.reveal())).toContain(SECRET);
  });

  test("refuses an unknown field by name", () => {
    const result = serviceDefinitionSchema.safeParse({
      name: "svc",
      base_url: "https://x.example",
      auth: { ...auth, surprise: 1 },
    });
    expect(result.error?.issues[0]).toMatchObject({ code: "unrecognized_keys", keys: ["surprise"] });
  });

  test("may be updated without its secret", () => {
    const { token, header_value, headers, password, params, ...rest } = auth as Record<string, unknown>;
    expect([token, header_value, headers, password, params].some((secret) => secret !== undefined)).toBe(
      true,
    );
    expect(complaints({ base_url: "https://x.example", auth: rest }, serviceUpdateSchema)).toEqual([]);
  });
});

describe("what is refused, by field", () => {
  test.each([
    ["auth.token", { type: "bearer" }],
    ["auth.token", { type: "bearer", token: "" }],
    ["auth.token", { type: "bearer", token: "two\nlines" }],
    ["auth.token", { type: "bearer", token: " padded " }],
    ["auth.token", { type: "bearer", token: "ünï→" }],
    ["auth.token", { type: "bearer", token: 7 }],
    ["auth.type", { type: "nope" }],
    ["auth.header_name", { type: "header", header_name: "Host", header_value: "v" }],
    ["auth.header_name", { type: "header", header_name: "Transfer_Encoding", header_value: "v" }],
    ["auth.header_name", { type: "header", header_name: "Content-Length", header_value: "v" }],
    ["auth.header_name", { type: "header", header_name: "Connection", header_value: "v" }],
    ["auth.header_name", { type: "header", header_name: "upgrade", header_value: "v" }],
    ["auth.header_name", { type: "header", header_name: "TE", header_value: "v" }],
    ["auth.header_name", { type: "header", header_name: "Trailer", header_value: "v" }],
    ["auth.header_name", { type: "header", header_name: "X-Vault-Token", header_value: "v" }],
    ["auth.header_name", { type: "header", header_name: "bad name", header_value: "v" }],
    ["auth.header_name", { type: "header", header_name: "a:b", header_value: "v" }],
    ["auth.header_value", { type: "header", header_name: "X-K", header_value: "a\r\nInjected: b" }],
    ["auth.headers", { type: "headers", headers: {} }],
    ["auth.headers", { type: "headers", headers: { "X-A": "1", x_a: "2" } }],
    ["auth.headers.Host", { type: "headers", headers: { Host: "1" } }],
    ["auth.username", { type: "basic", username: "a:b", password: "c" }],
    ["auth.username", { type: "basic", username: "a\u0000", password: "c" }],
    ["auth.username", { type: "basic", username: "\ud800", password: "c" }],
    ["auth.password", { type: "basic", username: "a" }],
    ["auth.password", { type: "basic", username: "a", password: "\u007f" }],
    ["auth.params", { type: "query", params: {} }],
    ["auth.params", { type: "query", params: { a_b: "1", "A-B": "2" } }],
    ["auth.params.k", { type: "query", params: { k: "" } }],
  ])("%s of %j", (field, auth) => {
    expect(complaints({ name: "svc", base_url: "https://x.example", auth })).toContain(field);
  });

  test.each([
    ["name", { name: "" }],
    ["name", { name: "-x" }],
    ["name", { name: "a/b" }],
    ["name", { name: "<script>" }],
    ["name", { name: "x".repeat(129) }],
    ["session_cookies", { session_cookies: "yes" }],
    ["connect_timeout", { connect_timeout: "10" }],
    ["response_timeout", { response_timeout: "0" }],
    ["idle_timeout", { idle_timeout: "25h" }],
    ["max_request_bytes", { max_request_bytes: -1 }],
    ["max_request_bytes", { max_request_bytes: 1.5 }],
    ["tls_ca", { tls_ca: "not a certificate" }],
    ["tls_ca", { tls_ca: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----" }],
    ["headers.Authorization", { headers: { Authorization: "Bearer x" } }],
    ["headers.x_api_key", { headers: { x_api_key: "x" } }],
    ["headers.Cookie", { headers: { Cookie: "a=b" } }],
    ["description", { description: "x".repeat(501) }],
    ["description", { description: "\u001b[2J" }],
    ["description", { description: "\ud800" }],
  ])("%s of %j", (field, settings) => {
    const definition = { name: "svc", base_url: "https://x.example", auth: KINDS.bearer, ...settings };
    expect(complaints(definition)).toContain(field);
  });

  test.each([
    [/^base_url: /, "http://api.example.com", {}],
    [/^base_url: /, "https://127.0.0.1", {}],
    [/^base_url: /, "https://u:p@api.example.com", {}],
    [/^base_url: /, "https://api.example.com/?q=1", {}],
    [/^base_url: /, "https://api.example.com/{token}", {}],
    [/^base_url: /, "https://169.254.169.254", { allow_private: true }],
    [
      /^session_cookies: cannot be used together with forward_cookies$/,
      "https://api.example.com",
      { session_cookies: true, forward_cookies: true },
    ],
  ])("%s of %s", (message, base_url, settings) => {
    expect(refusal(() => serviceWith(KINDS.bearer, { base_url, ...settings }))).toMatch(message);
  });

  test("a url service needs its placeholder, and a token that makes no dot segment", () => {
    expect(refusal(() => serviceWith(KINDS.url))).toMatch(/^base_url: must hold \{token\}/);
    const base_url = "https://api.example.com/{token}/x";
    expect(refusal(() => serviceWith({ type: "url", token: ".." }, { base_url }))).toMatch(/^auth\.token: /);
    expect(refusal(() => serviceWith({ type: "url", token: "%2e%2e" }, { base_url }))).toMatch(
      /^auth\.token: /,
    );
  });

  test("default headers that would stand beside the injected one", () => {
    const auth = { type: "header", header_name: "X-Key", header_value: SECRET };
    expect(refusal(() => serviceWith(auth, { headers: { x_key: "v" } }))).toMatch(/^headers\.x_key: /);
  });

  test("basic with both parts empty", () => {
    expect(refusal(() => serviceWith({ type: "basic", username: "", password: "" }))).toMatch(/^auth: /);
  });
});

describe("a basic user name that may be the key is not shown", () => {
  test.each([
    ["ann", "long-enough-password", "ann"],
    ["bot2024", "long-enough-password", "bot2024"],
    ["", "long-enough-password", undefined],
    ["SG.abcdefghijklmnop.AB", "x-oauth-basic", undefined],
    ["eyJhbGciOi.J9/+=", "x-oauth-basic", undefined],
    ["abcdefghijklmnopqrstuvwxyzabcdef", "fifteen-letters", undefined],
    ["key-0123456789abcde", "fifteen-letters", undefined],
    ["sk_live_0123456789abcdef", "", undefined],
    ["sk_live_0123456789abcdef", "X", undefined],
    ["0123456789abcdef0123456789abcdef", "api_token", undefined],
    [
      "someone.with.a.long.name1@example.com",
      "long-enough-password",
      "someone.with.a.long.name1@example.com",
    ],
  ])("%s:%s shows %s", (username, password, shown) => {
    expect(describeService(serviceWith({ type: "basic", username, password })).username).toBe(shown);
  });
});

test("plain http and private addresses are accepted where the service allows them", () => {
  expect(serviceWith(KINDS.bearer, { base_url: "http://127.0.0.1:9", allow_private: true }).base_url).toBe(
    "http://127.0.0.1:9",
  );
  expect(
    serviceWith(KINDS.bearer, { base_url: "http://10.0.0.1", tls_skip_verify: true }).tls_skip_verify,
  ).toBe(true);
});

test("the info of a url service shows the placeholder", () => {
  const record = serviceWith(KINDS.url, { base_url: "https://api.example.com/bot{token}" });
  expect(describeService(record).base_url).toBe("https://api.example.com/bot{token}");
});

test.each([
  [{ type: "github_app", app_id: "1", installation_id: "2", key_file: "app.pem" }, { key_file: "app.pem" }],
  [
    { type: "jwt_bearer", token_url: "https://a.example/t", issuer: "i", key_file: "k.pem", scopes: ["s"] },
    { key_file: "k.pem", scopes: ["s"] },
  ],
  [
    {
      ...{ type: "oauth2_client", client_id: "c", token_url: "https://a.example/t" },
      ...{ grant: "client_credentials", client_auth: "private_key_jwt", client_key_file: "c.pem" },
    },
    { client_key_file: "c.pem" },
  ],
  [{ type: "service_account", file_ref: "sa.json" }, { file_ref: "sa.json" }],
])("the info of %j names the uploaded file", (auth, info) => {
  expect(describeService(serviceWith(auth))).toMatchObject(info);
});

test("a record of an auth type that this version does not know is described, but not used", () => {
  const record = { ...serviceWith(KINDS.bearer), auth: { type: "from-the-future" } };
  expect(describeService(record)).toMatchObject({ name: "svc", auth_type: "from-the-future" });
  expect(() => createInjector(record)).toThrow(/not known to this version/);
});
