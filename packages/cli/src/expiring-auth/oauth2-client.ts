import type { ClientAuthentication } from "@vault-proxy/client";
import { Option } from "commander";

import { collect, namedValues } from "../repeated-option.js";
import type { ExpiringAuth } from "./expiring-auth.js";

export interface OAuth2ClientFlags {
  readonly oauth2Grant?: "refresh_token" | "client_credentials";
  readonly oauth2ClientId?: string;
  readonly oauth2ClientAuth?: ClientAuthentication;
  readonly oauth2ClientKeyFile?: string;
  readonly oauth2ClientKeyId?: string;
  readonly oauth2ClientSecretFile?: string;
  readonly oauth2TokenFile?: string;
  readonly oauth2TokenUrl?: string;
  readonly oauth2RefreshUrl?: string;
  readonly oauth2Issuer?: string;
  readonly oauth2Scope?: readonly string[];
  readonly oauth2TokenBody?: "form" | "json";
  readonly oauth2Extra?: readonly string[];
}

const CLIENT_AUTH = ["post", "basic", "none", "client_secret_jwt", "private_key_jwt"] as const;

export const oauth2Client: ExpiringAuth<OAuth2ClientFlags> = {
  summary: "OAuth2: by a refresh token or by the client's own credentials; see `oauth login` too",
  prefix: "oauth2",
  addOptions(command) {
    command
      .optionsGroup("For oauth2_client:")
      .addOption(
        new Option("--oauth2-grant <grant>", "how tokens are got; default: by a refresh token").choices([
          "refresh_token",
          "client_credentials",
        ]),
      )
      .option("--oauth2-client-id <id>", "id of the client")
      .addOption(
        new Option("--oauth2-client-auth <method>", "how it proves itself (default: post)").choices(
          CLIENT_AUTH,
        ),
      )
      .option("--oauth2-client-key-file <name>", "uploaded private key (PEM), for private_key_jwt")
      .option("--oauth2-client-key-id <id>", "the id of that key")
      .option(
        "--oauth2-client-secret-file <name>",
        "uploaded client file of Google, in place of id and secret",
      )
      .option(
        "--oauth2-token-file <name>",
        "uploaded token file of Google's tools, in place of a refresh token",
      )
      .option("--oauth2-token-url <url>", "token endpoint")
      .option("--oauth2-refresh-url <url>", "where tokens are refreshed, if not there")
      .option("--oauth2-issuer <url>", "audience of client assertions, if it is not the token endpoint")
      .option("--oauth2-scope <scope>", "scope to ask for; may be repeated", collect)
      .addOption(
        new Option("--oauth2-token-body <format>", "of token requests (default: form)").choices([
          "form",
          "json",
        ]),
      )
      .option("--oauth2-extra <name=value>", "further parameter of token requests; may be repeated", collect);
  },
  required: ({ oauth2ClientSecretFile }) =>
    oauth2ClientSecretFile === undefined
      ? [
          {
            flag: "oauth2ClientId",
            field: "client_id",
            option: "--oauth2-client-id",
            question: "Id of the client",
          },
          {
            flag: "oauth2TokenUrl",
            field: "token_url",
            option: "--oauth2-token-url",
            question: "Token endpoint",
          },
        ]
      : [],
  optional: [
    { flag: "oauth2ClientId", field: "client_id", question: "Id of the client" },
    { flag: "oauth2TokenUrl", field: "token_url", question: "Token endpoint" },
    { flag: "oauth2RefreshUrl", field: "refresh_url", question: "Where tokens are refreshed" },
    { flag: "oauth2Issuer", field: "issuer", question: "Audience of client assertions" },
    { flag: "oauth2ClientKeyFile", field: "client_key_file", question: "Name of the uploaded private key" },
    { flag: "oauth2ClientKeyId", field: "client_key_id", question: "Id of that key" },
    {
      flag: "oauth2ClientSecretFile",
      field: "client_secret_file",
      question: "Name of the uploaded client file",
    },
    { flag: "oauth2TokenFile", field: "token_file", question: "Name of the uploaded token file" },
  ],
  secretLabels: (flags) => [
    ...(hasSecret(flags) ? ["Client secret"] : []),
    ...(hasRefreshToken(flags) ? ["Refresh token"] : []),
  ],
  define(flags, secrets) {
    const rest = [...secrets];
    return {
      type: "oauth2_client",
      grant: flags.oauth2Grant,
      client_id: flags.oauth2ClientId,
      client_secret: hasSecret(flags) ? rest.shift() : undefined,
      refresh_token: hasRefreshToken(flags) ? rest.shift() : undefined,
      client_auth: flags.oauth2ClientAuth,
      client_key_file: flags.oauth2ClientKeyFile,
      client_key_id: flags.oauth2ClientKeyId,
      client_secret_file: flags.oauth2ClientSecretFile,
      token_file: flags.oauth2TokenFile,
      token_url: flags.oauth2TokenUrl,
      refresh_url: flags.oauth2RefreshUrl,
      issuer: flags.oauth2Issuer,
      scopes: flags.oauth2Scope,
      token_body: flags.oauth2TokenBody,
      extra: namedValues("--oauth2-extra", flags.oauth2Extra),
    };
  },
};

function hasSecret({ oauth2ClientAuth: method, oauth2ClientSecretFile: file }: OAuth2ClientFlags): boolean {
  return method !== "none" && method !== "private_key_jwt" && file === undefined;
}

function hasRefreshToken({ oauth2Grant: grant, oauth2TokenFile: file }: OAuth2ClientFlags): boolean {
  return grant !== "client_credentials" && file === undefined;
}
