import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  secretsOf,
  serviceDefinitionSchema,
  toServiceRecord,
} from "../auth-strategies/service-definition.js";
import { MAX_REFRESH_TOKEN_LENGTH } from "../auth-strategies/secret-text.js";
import {
  mergeServicePatch,
  mergeServiceUpdate,
  type ServicePatchBody,
  type ServiceUpdateBody,
} from "./service-update.js";

const base_url = "https://api.example.com";
const stored = toServiceRecord(
  serviceDefinitionSchema.parse({
    name: "api",
    base_url,
    description: "old",
    allow_private: true,
    auth: { type: "header", header_name: "X-Key", header_value: "kept-secret" },
  }),
);

const noFile = (): Promise<Buffer> => Promise.reject(new Error("no file is read here"));
const merge = (body: ServiceUpdateBody) => mergeServiceUpdate(stored, body, noFile);

describe("a service update", () => {
  test("keeps the secret that is left out, and nothing else", async () => {
    const merged = await merge({ base_url, auth: { type: "header", header_name: "X-Other" } });
    expect(secretsOf(merged).map((secret) => secret.reveal())).toEqual(["kept-secret"]);
    expect(merged).toMatchObject({ name: "api", allow_private: false, auth: { header_name: "X-Other" } });
    expect(merged).not.toHaveProperty("description");
  });

  test("does not fill in a field that is no secret", async () => {
    await expect(merge({ base_url, auth: { type: "header" } })).rejects.toThrow(
      /^auth\.header_name: is required$/,
    );
  });

  test("keeps a refresh token as long as a provider may give", async () => {
    const auth = { type: "oauth2_client", client_id: "c", token_url: "https://id.example.com/token" };
    const refreshToken = "r".repeat(MAX_REFRESH_TOKEN_LENGTH);
    const before = toServiceRecord(
      serviceDefinitionSchema.parse({
        name: "api",
        base_url,
        auth: { ...auth, refresh_token: refreshToken },
      }),
    );
    const merged = await mergeServiceUpdate(before, { base_url, description: "new", auth }, noFile);
    expect(secretsOf(merged).map((secret) => secret.reveal())).toEqual([refreshToken]);
  });

  test("leaves the stored record as it was", async () => {
    await merge({
      base_url,
      auth: { type: "header", header_name: "X-Other", header_value: "new" },
    });
    expect(secretsOf(stored).map((secret) => secret.reveal())).toEqual(["kept-secret"]);
    expect(stored).toMatchObject({ description: "old", auth: { header_name: "X-Key" } });
  });
});

describe("a file named in the update", () => {
  const secretsAfter = async (
    before: object,
    auth: ServiceUpdateBody["auth"],
    files: Readonly<Record<string, string>>,
  ): Promise<string[]> => {
    const record = toServiceRecord(serviceDefinitionSchema.parse({ name: "api", base_url, auth: before }));
    const merged = await mergeServiceUpdate(record, { base_url, auth }, (name) =>
      Promise.resolve(Buffer.from(files[name] ?? "")),
    );
    return secretsOf(merged).map((secret) => secret.reveal());
  };

  const client = (secret?: string) =>
    JSON.stringify({ installed: { client_id: "c", client_secret: secret } });
  const token = JSON.stringify({ client_id: "c", refresh_token: "refresh-of-file", type: "authorized_user" });
  const files = { "client.json": client("secret-of-file"), "public.json": client(), "token.json": token };
  const oauth2 = {
    type: "oauth2_client",
    client_id: "c",
    client_secret: "kept-secret",
    refresh_token: "kept-refresh",
    token_url: "https://id.example.com/token",
  };
  const { type, client_id, token_url } = oauth2;

  test.each<[string, object, string[]]>([
    [
      "both",
      { client_secret_file: "client.json", token_file: "token.json" },
      ["secret-of-file", "refresh-of-file"],
    ],
    ["only the client's", { client_secret_file: "client.json" }, ["secret-of-file", "kept-refresh"]],
    ["a public client's", { client_secret_file: "public.json" }, ["kept-refresh"]],
    [
      "only the token's",
      { client_id, token_url, token_file: "token.json" },
      ["kept-secret", "refresh-of-file"],
    ],
    ["neither", { client_id, token_url }, ["kept-secret", "kept-refresh"]],
    [
      "both, and the secrets beside them",
      {
        client_secret_file: "client.json",
        client_secret: "given",
        token_file: "token.json",
        refresh_token: "new",
      },
      ["given", "new"],
    ],
  ])("goes before a stored secret, and behind one that is given: %s", async (_, auth, secrets) => {
    expect(await secretsAfter(oauth2, { type, ...auth }, files)).toEqual(secrets);
  });

  const pem = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({
    type: "pkcs8",
    format: "pem",
  });
  test.each([
    { type: "jwt_bearer", token_url, issuer: "me" },
    { type: "github_app", app_id: "1", installation_id: "2" },
  ])("takes the place of the stored key: $type", async (auth) => {
    const before = { ...auth, private_key: pem };
    expect(
      await secretsAfter(before, { ...auth, key_file: "app.pem" }, { "app.pem": pem.toString() }),
    ).toEqual([]);
    expect(await secretsAfter(before, auth, {})).toEqual([pem]);
  });
});

describe("a service patch", () => {
  const patched = (before: object, body: ServicePatchBody, files: Readonly<Record<string, string>> = {}) =>
    mergeServicePatch(toServiceRecord(serviceDefinitionSchema.parse(before)), body, (name) =>
      Promise.resolve(Buffer.from(files[name] ?? "")),
    );
  const revealed = (record: Awaited<ReturnType<typeof patched>>): string[] =>
    secretsOf(record).map((secret) => secret.reveal());

  test("of nothing but the secret leaves all else as it was", async () => {
    const record = await mergeServicePatch(stored, { auth: { header_value: "new-secret" } }, noFile);
    expect(revealed(record)).toEqual(["new-secret"]);
    expect({ ...record, auth: undefined }).toEqual({ ...stored, auth: undefined });
    expect(record.auth).toMatchObject({ type: "header", header_name: "X-Key" });
  });

  test("of nothing but a setting leaves the secret as it was", async () => {
    const record = await mergeServicePatch(stored, { description: "new", allow_private: null }, noFile);
    expect(revealed(record)).toEqual(["kept-secret"]);
    expect(record).toMatchObject({ description: "new", allow_private: false, base_url });
  });

  test("takes away by null, and one of several by its name", async () => {
    const auth = { type: "headers", headers: { "X-A": "secret-a", "X-B": "secret-b" } };
    const record = await patched(
      { name: "api", base_url, description: "old", headers: { Accept: "a", Prefer: "b" }, auth },
      { description: null, headers: { Accept: null }, auth: { headers: { "X-A": "changed" } } },
    );
    expect(record).not.toHaveProperty("description");
    expect(record.headers).toEqual({ Prefer: "b" });
    expect(revealed(record)).toEqual(["changed", "secret-b"]);
  });

  test("of another auth type keeps nothing of the stored one", async () => {
    const record = await mergeServicePatch(stored, { auth: { type: "bearer", token: "t0ken" } }, noFile);
    expect(Object.keys(record.auth)).toEqual(["type", "token"]);
    expect(record).toMatchObject({ description: "old", allow_private: true });
    await expect(mergeServicePatch(stored, { auth: { type: "bearer" } }, noFile)).rejects.toThrow(
      /^auth\.token: is required$/,
    );
  });

  test("cannot take away what the service needs", async () => {
    await expect(mergeServicePatch(stored, { auth: { header_value: null } }, noFile)).rejects.toThrow(
      /^auth\.header_value: is required$/,
    );
    await expect(mergeServicePatch(stored, { base_url: null }, noFile)).rejects.toThrow(
      /^base_url: is required$/,
    );
  });

  const oauth2 = {
    ...{ type: "oauth2_client", client_id: "c", client_secret: "s3cret", refresh_token: "r3fresh" },
    ...{
      token_url: "https://id.example.com/token",
      access_token: "access-of-old",
      expires_at: 4_000_000_000,
    },
  };
  const withToken = { name: "api", base_url, auth: oauth2 };

  test("keeps the access token as long as the credential is the same", async () => {
    const same = await patched(withToken, { description: "new" });
    expect(revealed(same)).toContain("access-of-old");
    const other = await patched(withToken, { auth: { client_secret: "changed" } });
    expect(revealed(other)).toEqual(["changed", "r3fresh"]);
  });

  test("takes a secret out of a file that it names, and drops the file where it gives the secret", async () => {
    const token = JSON.stringify({ client_id: "c", refresh_token: "of-file", type: "authorized_user" });
    const record = await patched(withToken, { auth: { token_file: "t.json" } }, { "t.json": token });
    expect(revealed(record)).toEqual(["s3cret", "of-file"]);
    const app = { type: "github_app", app_id: "1", installation_id: "2" };
    const pem = generateKeyPairSync("rsa", { modulusLength: 2048 })
      .privateKey.export({ type: "pkcs8", format: "pem" })
      .toString();
    const keyed = await patched(
      { name: "api", base_url, auth: { ...app, key_file: "a.pem" } },
      { auth: { private_key: pem } },
    );
    expect(keyed.auth).not.toHaveProperty("key_file");
  });

  test("keeps the host key of the same server only", async () => {
    const key = `SHA256:${"A".repeat(43)}`;
    const box = {
      name: "box",
      auth: {
        ...{ type: "ssh_key", ssh_host: "box.example.com", ssh_user: "deploy", ssh_password: "kept-secret" },
        ...{ ssh_host_key: key, ssh_allowed_commands: ["docker ps"] },
      },
    };
    const renewed = await patched(box, { auth: { ssh_password: "new-secret" } });
    expect(renewed.auth).toMatchObject({ ssh_host_key: key, ssh_allowed_commands: ["docker ps"] });
    const moved = await patched(box, { auth: { ssh_host: "other.example.com" } });
    expect(moved.auth).not.toHaveProperty("ssh_host_key");
    expect(moved.auth).toMatchObject({ ssh_allowed_commands: ["docker ps"] });
  });
});
