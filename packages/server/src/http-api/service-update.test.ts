import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  secretsOf,
  serviceDefinitionSchema,
  toServiceRecord,
} from "../auth-strategies/service-definition.js";
import { MAX_REFRESH_TOKEN_LENGTH } from "../auth-strategies/secret-text.js";
import { mergeServiceUpdate, type ServiceUpdateBody } from "./service-update.js";

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
