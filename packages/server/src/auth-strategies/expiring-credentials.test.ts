import { generateKeyPairSync } from "node:crypto";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { Secret } from "../redaction/secret.js";
import type { IssuedToken } from "./issued-token.js";
import { TokenEndpointError } from "./oauth2/token-endpoint-error.js";
import { destinationOf } from "./service-destination.js";
import { differsInTokenOnly, isSameCredential, withTokenOf } from "./same-credential.js";
import {
  describeService,
  generatedSecretsOf,
  readDefinitionFiles,
  renewalOf,
  serviceDefinitionSchema,
  toServiceRecord,
  type ServiceRecord,
} from "./service-definition.js";

const PEM = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({
  type: "pkcs8",
  format: "pem",
});
const TOKEN_URL = "https://id.example.com/token";

const OAUTH2 = {
  type: "oauth2_client",
  client_id: "id",
  client_secret: "client-secret-0123456789",
  refresh_token: "refresh-token-0123456789",
  token_url: TOKEN_URL,
};
const CREDENTIALS = { ...OAUTH2, grant: "client_credentials", refresh_token: undefined };
const JWT = { type: "jwt_bearer", token_url: TOKEN_URL, issuer: "me", private_key: PEM };
const GITHUB = { type: "github_app", app_id: 7, installation_id: "8", key_file: "app.pem" };
const GOOGLE = { type: "service_account", file_ref: "key.json" };

function recordOf(auth: object, settings: object = {}): ServiceRecord {
  return toServiceRecord(
    serviceDefinitionSchema.parse({ name: "svc", base_url: "https://api.example.com", auth, ...settings }),
  );
}

/** Why a definition is refused: by the schema, or by what must hold between fields. */
function refusalOf(auth: object, settings: object = {}): string {
  const parsed = serviceDefinitionSchema.safeParse({
    name: "svc",
    base_url: "https://api.example.com",
    auth,
    ...settings,
  });
  if (!parsed.success) return parsed.error.issues.map((issue) => issue.path.join(".")).join();
  try {
    toServiceRecord(parsed.data);
  } catch (error) {
    if (error instanceof VaultProxyError && error.code === "invalid_request") return error.message;
    throw error;
  }
  return "accepted";
}

describe("what is taken", () => {
  test.each([
    ["a refresh token", OAUTH2],
    ["a public client", { ...OAUTH2, client_secret: undefined }],
    ["client credentials", CREDENTIALS],
    [
      "a grant of another name, as Zoom wants",
      { ...CREDENTIALS, extra: { grant_type: "account_credentials", account_id: 7 } },
    ],
    [
      "a signed client",
      { ...CREDENTIALS, client_secret: undefined, client_auth: "private_key_jwt", client_key_file: "k.pem" },
    ],
    ["scopes in one string", { ...OAUTH2, scopes: "a b" }],
    ["a token URL with a query", { ...OAUTH2, token_url: `${TOKEN_URL}?v=2` }],
    ["any signer", JWT],
    ["a GitHub App", GITHUB],
    [
      "a GitHub App by its client id, of an Enterprise Server",
      { ...GITHUB, app_id: "Iv1.8a61f9b3a7aba766", api_url: "https://github.example/api/v3/" },
    ],
    ["a service account", GOOGLE],
  ])("%s", (_, auth) => {
    expect(refusalOf(auth)).toBe("accepted");
  });

  test("http and private addresses where the service allows them", () => {
    const token_url = "http://127.0.0.1:9/token";
    expect(refusalOf({ ...OAUTH2, token_url })).toMatch(/^auth\.token_url: must be https/);
    expect(refusalOf({ ...OAUTH2, token_url }, { allow_private: true })).toBe("accepted");
  });
});

describe("what is refused, by field", () => {
  test.each([
    ["auth.client_id", { ...OAUTH2, client_id: undefined }],
    ["auth.token_url", { ...OAUTH2, token_url: undefined }],
    ["auth.token_url", { ...OAUTH2, token_url: "ftp://x.example/" }],
    ["auth.token_url", { ...OAUTH2, token_url: "https://u:p@x.example/" }],
    ["auth.token_url", { ...OAUTH2, token_url: "https://x.example/#a" }],
    ["auth.token_url", { ...OAUTH2, token_url: "https://x.example/a?b c" }],
    ["auth.token_url", { ...OAUTH2, token_url: "https://169.254.169.254/" }],
    ["auth.token_url", { ...OAUTH2, token_url: "https://x.example/{token}" }],
    ["auth.refresh_url", { ...OAUTH2, refresh_url: "https://10.0.0.1/" }],
    ["auth.refresh_token", { ...OAUTH2, refresh_token: undefined }],
    ["auth.client_secret", { ...CREDENTIALS, client_secret: undefined }],
    ["auth.client_secret", { ...OAUTH2, client_secret: undefined, client_auth: "basic" }],
    ["auth.client_key_file", { ...OAUTH2, client_auth: "private_key_jwt" }],
    ["auth.client_auth", { ...OAUTH2, client_auth: "tls" }],
    ["auth.extra", { ...OAUTH2, extra: { refresh_token: "x" } }],
    ["auth.extra", { ...OAUTH2, extra: { client_secret: "x" } }],
    ["auth.extra.grant_type", { ...OAUTH2, extra: { grant_type: "x" } }],
    ["auth.scopes", { ...OAUTH2, scopes: ["a b"] }],
    ["auth.scopes", { ...OAUTH2, scopes: 'a "b"' }],
    ["auth.access_token", { ...OAUTH2, access_token: "a\nb" }],
    ["auth.expires_at", { ...OAUTH2, expires_at: -1 }],
    ["auth: one of key_file and private_key", { ...JWT, key_file: "k" }],
    ["auth: one of key_file and private_key", { ...JWT, private_key: undefined }],
    ["auth.client_id", { ...JWT, client_secret: "s" }],
    ["auth.algorithm", { ...JWT, algorithm: "none" }],
    ["auth.algorithm", { ...JWT, algorithm: "HS256" }],
    ["auth.claims", { ...JWT, claims: { exp: 1 } }],
    ["auth.lifetime", { ...JWT, lifetime: 3601 }],
    ["auth.extra.grant_type", { ...JWT, extra: { grant_type: "x" } }],
    ["auth.token_url", { ...JWT, token_url: "http://x.example" }],
    ["auth.installation_id", { ...GITHUB, installation_id: "../1" }],
    ["auth.installation_id", { ...GITHUB, installation_id: ".." }],
    ["auth.installation_id", { ...GITHUB, installation_id: "." }],
    ["auth.installation_id", { ...GITHUB, installation_id: "-" }],
    ["auth.installation_id", { ...GITHUB, installation_id: "0" }],
    ["auth.installation_id", { ...GITHUB, installation_id: "8a" }],
    ["auth.app_id", { ...GITHUB, app_id: ".." }],
    ["auth.app_id", { ...GITHUB, app_id: "." }],
    ["auth.app_id", { ...GITHUB, app_id: "-" }],
    ["auth.api_url: must not hold a query", { ...GITHUB, api_url: "https://x.example/v3?x=1" }],
    ["auth.api_url: must not hold a query", { ...GITHUB, api_url: "https://x.example/v3/?" }],
    ["auth.api_url", { ...GITHUB, api_url: "https://x.example/v3/%2e%2e" }],
    ["auth.api_url", { ...GITHUB, api_url: "http://x.example" }],
    ["auth: one of key_file and private_key", { ...GITHUB, private_key: PEM }],
    ["auth.permissions.contents", { ...GITHUB, permissions: { contents: "all" } }],
    ["auth.file_ref", { ...GOOGLE, file_ref: undefined }],
    ["auth.sa_token_url", { ...GOOGLE, sa_token_url: "https://localhost/" }],
  ])("%s of %j", (field, auth) => {
    expect(refusalOf(auth)).toContain(field);
  });
});

describe("files that a definition names", () => {
  const CLIENT_FILE = {
    installed: { client_id: "file-id", client_secret: "file-secret", redirect_uris: [] },
  };
  const TOKEN_FILE = { refresh_token: "file-refresh", token: "file-access", expiry: "2030-01-01T00:00:00Z" };

  function read(auth: object, files: Record<string, unknown>): Promise<{ auth: Record<string, unknown> }> {
    const definition = serviceDefinitionSchema.parse({
      name: "svc",
      base_url: "https://api.example.com",
      auth,
    });
    return readDefinitionFiles(definition, (name) => {
      const file = files[name];
      if (file === undefined) return Promise.reject(new VaultProxyError("not_found", "no such file"));
      return Promise.resolve(Buffer.from(typeof file === "string" ? file : JSON.stringify(file)));
    });
  }

  test("give what the definition leaves out, and are not named afterwards", async () => {
    const auth = {
      type: "oauth2_client",
      client_secret_file: "c.json",
      token_file: "t.json",
      client_id: undefined,
    };
    const { auth: resolved } = await read(auth, { "c.json": CLIENT_FILE, "t.json": TOKEN_FILE });
    const shown = Object.fromEntries(
      Object.entries(resolved).map(([field, value]) => [
        field,
        value instanceof Secret ? value.reveal() : value,
      ]),
    );
    expect(shown).toMatchObject({
      client_id: "file-id",
      client_secret: "file-secret",
      token_url: "https://oauth2.googleapis.com/token",
      refresh_token: "file-refresh",
      access_token: "file-access",
      expires_at: Date.parse("2030-01-01T00:00:00Z") / 1000,
    });
    expect(shown).not.toHaveProperty("client_secret_file");
    expect(shown).not.toHaveProperty("token_file");
    const kept = await read({ ...OAUTH2, client_secret_file: "c.json" }, { "c.json": CLIENT_FILE });
    expect(kept.auth.client_id).toBe("id");
  });

  test.each([
    ["auth.client_secret_file: no such file", { type: "oauth2_client", client_secret_file: "x" }],
    ["auth.token_file: no such file", { ...OAUTH2, token_file: "x" }],
    ["auth.token_file: its token belongs to another client", { ...OAUTH2, token_file: "other.json" }],
    ["auth.client_key_file: holds no private key", { ...OAUTH2, client_key_file: "t.json" }],
    [
      "auth.client_secret_file: is the key of a service account",
      { type: "oauth2_client", client_secret_file: "k.json" },
    ],
    ["auth.file_ref: no such file", { ...GOOGLE, file_ref: "x" }],
    ["auth.file_ref: is an OAuth2 client", { ...GOOGLE, file_ref: "c.json" }],
    ["auth.file_ref: is not the key of a service account", { ...GOOGLE, file_ref: "t.json" }],
    ["auth.file_ref: is not JSON", { ...GOOGLE, file_ref: "p.pem" }],
    ["auth.file_ref: its key is for ES256", { ...GOOGLE, file_ref: "k.json" }],
    ["auth.file_ref: private_key is missing", { ...GOOGLE, file_ref: "keyless.json" }],
    ["auth.key_file: no such file", { ...GITHUB, key_file: "x" }],
    ["auth.key_file: its key is for ES256, not for RS256", { ...GITHUB, key_file: "p.pem" }],
    ["auth.private_key: its key is for ES256, not for EdDSA", { ...JWT, algorithm: "EdDSA" }],
  ])("are refused: %s", async (reason, auth) => {
    const key = { type: "service_account", client_email: "a@b", private_key: PEM };
    const files = {
      "c.json": CLIENT_FILE,
      "t.json": TOKEN_FILE,
      "other.json": { ...TOKEN_FILE, client_id: "someone-else" },
      "k.json": key,
      "keyless.json": { ...key, private_key: "" },
      "p.pem": PEM,
    };
    await expect(read(auth, files)).rejects.toThrow(reason);
  });
});

describe("a service whose credential expires", () => {
  test.each([OAUTH2, JWT, { ...GITHUB, key_file: undefined, private_key: PEM }])(
    "shows no secret: $type",
    (auth) => {
      const record = recordOf({ ...auth, access_token: "access-token-0123456789" });
      const shown = [
        JSON.stringify(record),
        inspect(record, { depth: 9 }),
        JSON.stringify(describeService(record)),
      ].join();
      for (const secret of ["-0123456789", "PRIVATE KEY"]) expect(shown).not.toContain(secret);
      expect(generatedSecretsOf(record).map((secret) => secret.reveal())).toContain(
        "access-token-0123456789",
      );
    },
  );

  const token = {
    accessToken: new Secret("new-access"),
    refreshToken: new Secret("new-refresh"),
    issuedAt: 10,
    expiresAt: 20,
    hasLifetime: true,
  };
  const refreshed = (record: ServiceRecord): ServiceRecord => {
    const renewal = renewalOf(record);
    if (renewal === undefined) throw new Error("no renewal");
    return { ...record, auth: renewal.keep(record.auth, token) };
  };

  test.each([OAUTH2, JWT, GITHUB, GOOGLE])("keeps a token and gives it back: $type", (auth) => {
    const record = refreshed(recordOf(auth));
    expect(renewalOf(record)?.stored(record.auth)).toMatchObject({ issuedAt: 10, expiresAt: 20 });
    expect(renewalOf(record)?.stored(record.auth)?.accessToken.reveal()).toBe("new-access");
    expect(differsInTokenOnly(recordOf(auth), record)).toBe(true);
    expect(differsInTokenOnly(recordOf(auth, { description: "other" }), record)).toBe(false);
  });

  test.each([
    ["refresh_token", OAUTH2, "new-refresh"],
    ["client_credentials", CREDENTIALS, undefined],
  ])(
    "takes a refresh token that comes along, with a token or without, by grant %s only",
    async (_, auth, taken) => {
      const record = recordOf(auth);
      const failure = new TokenEndpointError("oauth2_refresh_failed", "none", {
        refreshToken: token.refreshToken,
        isTemporary: true,
      });
      const issue = (answer: Promise<IssuedToken>) => {
        const unused = (): never => {
          throw new Error("not needed here");
        };
        const tools = { requestToken: () => answer, send: unused, readFile: unused, clock: () => 0 };
        const service = { base_url: record.base_url, destination: destinationOf(record) };
        return renewalOf(record)?.issue(record.auth, service, tools, new AbortController().signal);
      };
      expect((await issue(Promise.resolve(token)))?.refreshToken?.reveal()).toBe(taken);
      const thrown: unknown = await issue(Promise.reject(failure))?.catch((error: unknown) => error);
      expect(thrown).toMatchObject({ code: "oauth2_refresh_failed", message: "none", isTemporary: true });
      expect((thrown as TokenEndpointError).refreshToken?.reveal()).toBe(taken);
    },
  );

  test("is another credential with another refresh token, client or trust, not with another description", () => {
    const record = recordOf(OAUTH2);
    expect(isSameCredential(record, recordOf(OAUTH2, { description: "other" }))).toBe(true);
    expect(isSameCredential(record, recordOf({ ...OAUTH2, access_token: "x", expires_at: 1 }))).toBe(true);
    expect(isSameCredential(record, recordOf({ ...OAUTH2, refresh_token: "other" }))).toBe(false);
    expect(isSameCredential(record, recordOf({ ...OAUTH2, client_id: "other" }))).toBe(false);
    expect(isSameCredential(record, recordOf(OAUTH2, { allow_private: true }))).toBe(false);
  });

  test("takes its token along to a changed record of the same credential, and to no other", () => {
    const stored = recordOf({ ...OAUTH2, access_token: "kept", expires_at: 99 });
    const expiryOf = (record: ServiceRecord): unknown => renewalOf(record)?.stored(record.auth)?.expiresAt;
    expect(expiryOf(withTokenOf(stored, recordOf(OAUTH2, { description: "other" })))).toBe(99);
    expect(expiryOf(withTokenOf(stored, recordOf({ ...OAUTH2, client_id: "other" })))).toBeUndefined();
    const given = recordOf({ ...OAUTH2, access_token: "given", expires_at: 7 });
    expect(expiryOf(withTokenOf(stored, given))).toBe(7);
  });
});
