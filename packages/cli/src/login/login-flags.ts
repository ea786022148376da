import { Option, type Command } from "commander";

import { baseUrlValue } from "../base-url-value.js";
import { collect } from "../repeated-option.js";
import { addSettingsOptions, type SettingsFlags } from "../service-settings.js";

/** What the command line says of a login; none of it is secret. */
export interface LoginFlags extends SettingsFlags {
  readonly preset?: string;
  readonly tenant?: string;
  readonly baseUrl?: string;
  readonly scope?: readonly string[];
  readonly clientId?: string;
  readonly clientSecretStdin?: boolean;
  /** Name of an uploaded file, as are the other files. */
  readonly clientSecretFile?: string;
  readonly clientAuth?: ClientAuth;
  readonly clientKeyFile?: string;
  readonly clientKeyId?: string;
  readonly authUrl?: string;
  readonly tokenUrl?: string;
  readonly refreshUrl?: string;
  readonly deviceUrl?: string;
  readonly redirectUri?: string;
  readonly issuer?: string;
  /** False with --no-require-iss. */
  readonly requireIss: boolean;
  readonly scopeSeparator?: " " | ",";
  readonly tokenBody?: "form" | "json";
  readonly extra?: readonly string[];
  readonly authorizeParam?: readonly string[];
  readonly longLivedToken?: boolean;
  readonly device?: boolean;
  /** False with --no-browser. */
  readonly browser: boolean;
  /** False with --no-wait. */
  readonly wait: boolean;
  readonly timeout?: string;
}

const CLIENT_AUTH = ["post", "basic", "none", "client_secret_jwt", "private_key_jwt"] as const;
type ClientAuth = (typeof CLIENT_AUTH)[number];

export function addLoginOptions(command: Command): void {
  command
    .option("--preset <name>", "whose login it is, such as github or google; default: the service's name")
    .option("--tenant <name>", "your own part of the provider's addresses")
    .option("--base-url <url>", "where the API is", baseUrlValue)
    .option("--scope <scope>", "what to ask for; may be repeated", collect)
    .option("--device", "log in on another device, by a code")
    .option("--no-browser", "open no browser, only print the address")
    .option("--no-wait", "print how to log in, and end; see `oauth status`")
    .option("--timeout <duration>", "how long to wait; default: as long as the login is good")
    .option("--long-lived-token", "take a token that never ends and cannot be refreshed");
  command
    .optionsGroup("The client at the provider:")
    .option("--client-id <id>", "its id")
    .option("--client-secret-stdin", "read its secret from standard input; else a terminal asks")
    .option("--client-secret-file <name>", "an uploaded client file of Google, in place of all this")
    .addOption(new Option("--client-auth <method>", "how it proves itself").choices(CLIENT_AUTH))
    .option("--client-key-file <name>", "an uploaded private key (PEM), for private_key_jwt")
    .option("--client-key-id <id>", "the id of that key")
    .option(
      "--redirect-uri <uri>",
      "as it is registered; default: the vault's address and /auth/oauth2/callback",
    );
  command
    .optionsGroup("The provider, where no preset knows it:")
    .option("--auth-url <url>", "authorization endpoint")
    .option("--token-url <url>", "token endpoint")
    .option("--refresh-url <url>", "where tokens are refreshed, if not there")
    .option("--device-url <url>", "device authorization endpoint")
    .option("--issuer <url>", "its issuer identifier (RFC 9207)")
    .option("--no-require-iss", "with --issuer, accept answers that do not name it")
    .addOption(new Option("--scope-separator <character>", "between scopes").choices([" ", ","]))
    .addOption(new Option("--token-body <format>", "of token requests").choices(["form", "json"]))
    .option("--extra <name=value>", "a further parameter of token requests; may be repeated", collect)
    .option("--authorize-param <name=value>", "a further parameter of the login; may be repeated", collect);
  command.optionsGroup("The service:");
  addSettingsOptions(command);
}
