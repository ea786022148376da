import type { AuthDefinition } from "@vault-proxy/client";
import type { Command } from "commander";

import { UsageError } from "../failures.js";
import type { AskedFlag, ExpiringAuth, RequiredFlag } from "./expiring-auth.js";
import { githubApp, type GithubAppFlags } from "./github-app.js";
import { jwtBearer, type JwtBearerFlags } from "./jwt-bearer.js";
import { oauth2Client, type OAuth2ClientFlags } from "./oauth2-client.js";
import { serviceAccount, type ServiceAccountFlags } from "./service-account.js";

export type ExpiringAuthFlags = OAuth2ClientFlags & ServiceAccountFlags & JwtBearerFlags & GithubAppFlags;

/** The types of credentials that expire. */
export const EXPIRING_AUTH = {
  oauth2_client: oauth2Client,
  service_account: serviceAccount,
  jwt_bearer: jwtBearer,
  github_app: githubApp,
} as const;

export type ExpiringAuthType = keyof typeof EXPIRING_AUTH;

const TYPES = Object.keys(EXPIRING_AUTH) as ExpiringAuthType[];

export function isExpiringAuthType(type: string): type is ExpiringAuthType {
  return type in EXPIRING_AUTH;
}

export function addExpiringAuthOptions(command: Command): void {
  for (const type of TYPES) EXPIRING_AUTH[type].addOptions(command);
}

/**
 * The type that flags of its own name; undefined if there are none.
 * @param given `--type`
 * @throws UsageError for flags of two types, or of another than the given one
 */
export function typeOfFlags<Type extends string>(
  given: Type | undefined,
  flags: object,
): Type | ExpiringAuthType | undefined {
  const names = Object.entries(flags).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  const named = TYPES.filter((type) => names.some((name) => name.startsWith(EXPIRING_AUTH[type].prefix)));
  const wrong = named.find((type) => type !== (given ?? named[0]));
  if (wrong !== undefined) {
    throw new UsageError(`there are flags for --type ${wrong}, and for ${given ?? named[0] ?? ""}`);
  }
  return given ?? named[0];
}

/** The required flags that were not given. */
export function missingFlags(
  type: ExpiringAuthType,
  flags: ExpiringAuthFlags,
): readonly RequiredFlag<ExpiringAuthFlags>[] {
  return EXPIRING_AUTH[type].required(flags).filter(({ flag }) => flags[flag] === undefined);
}

/** A flag that the vault may refuse. */
export interface RefusableFlag extends AskedFlag<ExpiringAuthFlags> {
  /** Whether the service can be without it. */
  readonly isOptional: boolean;
}

/** The flag of a field of the API, such as `token_url`: undefined if a terminal cannot be asked for it. */
export function flagOfField(
  type: ExpiringAuthType,
  flags: ExpiringAuthFlags,
  field: string,
): RefusableFlag | undefined {
  const auth: ExpiringAuth<ExpiringAuthFlags> = EXPIRING_AUTH[type];
  const required = auth.required(flags).find((asked) => asked.field === field);
  if (required !== undefined) return { ...required, isOptional: false };
  const optional = auth.optional.find((asked) => asked.field === field);
  return optional === undefined ? undefined : { ...optional, isOptional: true };
}

export function expiringAuth(
  type: ExpiringAuthType,
  flags: ExpiringAuthFlags,
  secrets: readonly string[],
): AuthDefinition {
  return EXPIRING_AUTH[type].define(flags, secrets);
}

export function defaultBaseUrl(type: ExpiringAuthType, flags: ExpiringAuthFlags): string | undefined {
  const auth: ExpiringAuth<ExpiringAuthFlags> = EXPIRING_AUTH[type];
  return auth.defaultBaseUrl?.(flags);
}
