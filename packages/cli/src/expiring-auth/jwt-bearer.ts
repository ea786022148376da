import { Option } from "commander";

import { UsageError } from "../failures.js";
import { collect, namedValues } from "../repeated-option.js";
import type { ExpiringAuth } from "./expiring-auth.js";

export interface JwtBearerFlags {
  readonly jwtTokenUrl?: string;
  readonly jwtIssuer?: string;
  readonly jwtSubject?: string;
  readonly jwtAudience?: string;
  readonly jwtScope?: readonly string[];
  readonly jwtKeyFile?: string;
  readonly jwtKid?: string;
  readonly jwtAlgorithm?: "RS256" | "ES256" | "EdDSA";
  readonly jwtClaim?: readonly string[];
  readonly jwtLifetime?: string;
  readonly jwtClientId?: string;
  readonly jwtClientAuth?: "post" | "basic";
  readonly jwtTokenBody?: "form" | "json";
  readonly jwtExtra?: readonly string[];
}

export const jwtBearer: ExpiringAuth<JwtBearerFlags> = {
  summary: "a signed assertion for access tokens (RFC 7523), by an uploaded private key",
  prefix: "jwt",
  addOptions(command) {
    command
      .optionsGroup("For jwt_bearer:")
      .option("--jwt-token-url <url>", "token endpoint")
      .option("--jwt-issuer <text>", "who signs (iss)")
      .option("--jwt-key-file <name>", "the uploaded private key (PEM)")
      .option("--jwt-subject <text>", "for whom (sub); default: the issuer")
      .option("--jwt-audience <text>", "aud; default: the token endpoint")
      .option("--jwt-scope <scope>", "scope to ask for; may be repeated", collect)
      .option("--jwt-kid <id>", "id of the key")
      .addOption(
        new Option("--jwt-algorithm <name>", "default: what the key is for").choices([
          ...["RS256", "ES256", "EdDSA"],
        ]),
      )
      .option("--jwt-claim <name=value>", "further claim; may be repeated", collect)
      .option("--jwt-lifetime <seconds>", "how long the assertion is good, from 10 to 3600 (default: 300)")
      .option("--jwt-client-id <id>", "of a client, where the provider wants one as well")
      .addOption(
        new Option(
          "--jwt-client-auth <method>",
          "how it proves itself, by a secret (default: no secret)",
        ).choices(["post", "basic"]),
      )
      .addOption(
        new Option("--jwt-token-body <format>", "of token requests (default: form)").choices([
          "form",
          "json",
        ]),
      )
      .option("--jwt-extra <name=value>", "further parameter of token requests; may be repeated", collect);
  },
  required: () => [
    { flag: "jwtTokenUrl", field: "token_url", option: "--jwt-token-url", question: "Token endpoint" },
    { flag: "jwtIssuer", field: "issuer", option: "--jwt-issuer", question: "Issuer (iss)" },
    {
      flag: "jwtKeyFile",
      field: "key_file",
      option: "--jwt-key-file",
      question: "Name of the uploaded private key",
    },
  ],
  optional: [
    { flag: "jwtSubject", field: "subject", question: "Subject (sub)" },
    { flag: "jwtAudience", field: "audience", question: "Audience (aud)" },
    { flag: "jwtKid", field: "kid", question: "Id of the key" },
    { flag: "jwtClientId", field: "client_id", question: "Id of the client" },
  ],
  secretLabels: ({ jwtClientAuth }) => (jwtClientAuth === undefined ? [] : ["Client secret"]),
  define: (flags, [secret]) => ({
    type: "jwt_bearer",
    token_url: flags.jwtTokenUrl ?? "",
    issuer: flags.jwtIssuer ?? "",
    key_file: flags.jwtKeyFile ?? "",
    subject: flags.jwtSubject,
    audience: flags.jwtAudience,
    scopes: flags.jwtScope,
    kid: flags.jwtKid,
    algorithm: flags.jwtAlgorithm,
    claims: namedValues("--jwt-claim", flags.jwtClaim),
    lifetime: flags.jwtLifetime === undefined ? undefined : seconds(flags.jwtLifetime),
    client_id: flags.jwtClientId,
    client_secret: secret,
    client_auth: flags.jwtClientAuth,
    token_body: flags.jwtTokenBody,
    extra: namedValues("--jwt-extra", flags.jwtExtra),
  }),
};

function seconds(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new UsageError("--jwt-lifetime takes a number of seconds");
  return Number(text);
}
