import { Command } from "commander";
import { describe, expect, test } from "vitest";

import { authDefinition, secretLabels } from "../service-definition.js";
import {
  addExpiringAuthOptions,
  defaultBaseUrl,
  missingFlags,
  typeOfFlags,
  type ExpiringAuthFlags,
  type ExpiringAuthType,
} from "./registry.js";

/** What the command line gives. */
function parse(...args: readonly string[]): ExpiringAuthFlags {
  const command = new Command().exitOverride().configureOutput({ outputError: () => undefined });
  addExpiringAuthOptions(command);
  return command.parse(args, { from: "user" }).opts();
}

/** What goes to the vault. */
function define(type: ExpiringAuthType, args: readonly string[], secrets: readonly string[] = []): unknown {
  return JSON.parse(JSON.stringify(authDefinition(type, parse(...args), secrets)));
}

describe("oauth2_client", () => {
  const client = ["--oauth2-client-id", "c", "--oauth2-token-url", "https://t"];

  test("by a refresh token takes the client's secret and the token, in this order", () => {
    expect(secretLabels("oauth2_client", parse(...client))).toEqual(["Client secret", "Refresh token"]);
    expect(define("oauth2_client", client, ["s", "r"])).toEqual({
      ...{
        type: "oauth2_client",
        client_id: "c",
        client_secret: "s",
        refresh_token: "r",
        token_url: "https://t",
      },
    });
  });

  test.each<[string, string[], string[]]>([
    ["a public client", ["--oauth2-client-auth", "none"], ["Refresh token"]],
    ["a client with a key", ["--oauth2-client-auth", "private_key_jwt"], ["Refresh token"]],
    ["a client of its own", ["--oauth2-grant", "client_credentials"], ["Client secret"]],
    ["files of Google", ["--oauth2-client-secret-file", "c.json", "--oauth2-token-file", "t.json"], []],
    ["a token file", ["--oauth2-token-file", "t.json"], ["Client secret"]],
  ])("of %s wants no more secrets than there are", (_, args, labels) => {
    expect(secretLabels("oauth2_client", parse(...client, ...args))).toEqual(labels);
    const defined = define(
      "oauth2_client",
      [...client, ...args],
      labels.map((label) => `${label}!`),
    );
    expect(JSON.stringify(defined)).toContain(labels.map((label) => `${label}!`).join('","refresh_token":"'));
    if (!labels.includes("Client secret")) expect(defined).not.toHaveProperty("client_secret");
    if (!labels.includes("Refresh token")) expect(defined).not.toHaveProperty("refresh_token");
  });

  test("takes everything that the vault knows of it", () => {
    const all = [
      ...["--oauth2-grant", "client_credentials", "--oauth2-client-auth", "private_key_jwt"],
      ...[
        "--oauth2-client-key-file",
        "k.pem",
        "--oauth2-client-key-id",
        "1",
        "--oauth2-refresh-url",
        "https://r",
      ],
      ...["--oauth2-issuer", "https://i", "--oauth2-scope", "a", "--oauth2-scope", "b"],
      ...["--oauth2-token-body", "json", "--oauth2-extra", "audience=x=y", "--oauth2-extra", "z="],
    ];
    expect(define("oauth2_client", [...client, ...all])).toEqual({
      ...{ type: "oauth2_client", client_id: "c", token_url: "https://t", grant: "client_credentials" },
      ...{
        client_auth: "private_key_jwt",
        client_key_file: "k.pem",
        client_key_id: "1",
        refresh_url: "https://r",
      },
      ...{ issuer: "https://i", scopes: ["a", "b"], token_body: "json", extra: { audience: "x=y", z: "" } },
    });
  });
});

test("service_account, jwt_bearer and github_app take everything that the vault knows of them", () => {
  const account = ["file", "subject", "token-url", "scope"].flatMap((name) => [
    `--service-account-${name}`,
    name,
  ]);
  expect(define("service_account", account)).toEqual({
    ...{ type: "service_account", file_ref: "file", sa_subject: "subject" },
    ...{ sa_token_url: "token-url", sa_scopes: ["scope"] },
  });

  const jwt = [
    ...["token-url", "issuer", "key-file", "subject", "audience", "scope", "kid", "client-id"],
  ].flatMap((name) => [`--jwt-${name}`, name]);
  const more = [
    "--jwt-algorithm",
    "EdDSA",
    "--jwt-claim",
    "a=b",
    "--jwt-lifetime",
    "60",
    "--jwt-extra",
    "c=d",
  ];
  const client = ["--jwt-client-auth", "basic", "--jwt-token-body", "json"];
  expect(define("jwt_bearer", [...jwt, ...more, ...client], ["s"])).toEqual({
    ...{ type: "jwt_bearer", token_url: "token-url", issuer: "issuer", key_file: "key-file", kid: "kid" },
    ...{
      subject: "subject",
      audience: "audience",
      scopes: ["scope"],
      algorithm: "EdDSA",
      claims: { a: "b" },
    },
    ...{ lifetime: 60, client_id: "client-id", client_secret: "s", client_auth: "basic", token_body: "json" },
    extra: { c: "d" },
  });
  expect(secretLabels("jwt_bearer", parse(...jwt))).toEqual([]);

  const app = ["app", "installation", "key-file", "api-url", "repository"].flatMap((name) => [
    `--github-${name}`,
    name,
  ]);
  expect(define("github_app", [...app, "--github-permission", "contents=read"])).toEqual({
    ...{ type: "github_app", app_id: "app", installation_id: "installation", key_file: "key-file" },
    ...{ api_url: "api-url", repositories: ["repository"], permissions: { contents: "read" } },
  });
});

test.each<[ExpiringAuthType, string[], string]>([
  ["oauth2_client", ["--oauth2-extra", "x"], "name and a value"],
  ["oauth2_client", ["--oauth2-extra", "=x"], "name and a value"],
  ["jwt_bearer", ["--jwt-lifetime", "1h"], "number of seconds"],
  ["jwt_bearer", ["--jwt-claim", "x"], "name and a value"],
  ["github_app", ["--github-permission", "contents=own"], "read, write or admin"],
])("%s with %j is a usage error", (type, args, message) => {
  const secrets = secretLabels(type, parse(...args)).map(() => "s");
  expect(() => define(type, args, secrets)).toThrow(message);
});

test("flags name their type, and those of two types are refused", () => {
  expect(typeOfFlags(undefined, parse())).toBeUndefined();
  expect(typeOfFlags("bearer", parse())).toBe("bearer");
  expect(typeOfFlags(undefined, parse("--github-app", "1"))).toBe("github_app");
  expect(typeOfFlags(undefined, parse("--service-account-file", "f"))).toBe("service_account");
  expect(typeOfFlags("jwt_bearer", parse("--jwt-issuer", "i"))).toBe("jwt_bearer");
  expect(() => typeOfFlags("bearer", parse("--jwt-issuer", "i"))).toThrow(
    "--type jwt_bearer, and for bearer",
  );
  expect(() => typeOfFlags(undefined, parse("--jwt-issuer", "i", "--oauth2-scope", "a"))).toThrow(
    "--type jwt_bearer, and for oauth2_client",
  );
});

test("what a type cannot do without is known, and where GitHub's API is", () => {
  const options = (type: ExpiringAuthType, ...args: string[]) =>
    missingFlags(type, parse(...args)).map(({ option }) => option);
  expect(options("oauth2_client")).toEqual(["--oauth2-client-id", "--oauth2-token-url"]);
  expect(options("oauth2_client", "--oauth2-client-secret-file", "f")).toEqual([]);
  expect(options("service_account")).toEqual(["--service-account-file"]);
  expect(options("jwt_bearer", "--jwt-issuer", "i")).toEqual(["--jwt-token-url", "--jwt-key-file"]);
  expect(options("github_app", "--github-app", "1")).toEqual(["--github-installation", "--github-key-file"]);
  expect(defaultBaseUrl("github_app", {})).toBe("https://api.github.com");
  expect(defaultBaseUrl("github_app", { githubApiUrl: "https://g/api/v3" })).toBe("https://g/api/v3");
  expect(defaultBaseUrl("jwt_bearer", {})).toBeUndefined();
});
