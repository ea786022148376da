import { X509Certificate } from "node:crypto";
import { z } from "@hono/zod-openapi";
import { parseDuration } from "../config/duration.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { parseBaseUrl } from "../network/base-url.js";
import { AUTH_CLASS_HEADERS, canonicalHeaderName } from "../network/header-policy.js";
import type { Secret } from "../redaction/secret.js";
import { isSearchable } from "../scrubbing/secret-forms.js";
import type { SearchedSecret } from "../scrubbing/secret-matcher.js";
import type {
  AccessTokenSource,
  AuthStrategy,
  CredentialInjector,
  ReadFile,
  Renewal,
  SessionUse,
  SshUse,
} from "./auth-strategy.js";
import { headerNameSchema, headerValueSchema, namesAreDistinct } from "./header-field.js";
import { AUTH_STRATEGIES } from "./registry.js";
import { allowsInsecure, destinationOf } from "./service-destination.js";
import type { ServiceInfo } from "./service-info.js";
import {
  assertServer,
  describeSessionSettings,
  refuseHttpSettings,
  refuseSessionSettings,
  refuseTlsSettings,
  sessionSettings,
} from "./session-settings.js";

const MAX_TIMEOUT_MS = 24 * 3_600_000;
const MIN_TIMEOUT_MS = 1;
const MAX_CA_LENGTH = 256 * 1024;
const MAX_DEFAULT_HEADERS = 32;

export const serviceNameSchema = z
  .string()
  .min(1)
  .max(128)
  .regex(
    /^[a-zA-Z0-9][a-zA-Z0-9._-]*$/,
    "must begin with a letter or digit and hold only letters, digits, . _ -",
  );

const timeoutSchema = z
  .string()
  .refine((text) => {
    const milliseconds = parseDuration(text);
    return milliseconds !== undefined && milliseconds >= MIN_TIMEOUT_MS && milliseconds <= MAX_TIMEOUT_MS;
  }, "must be a duration such as 10s, 5m or 1h30m, from 1ms to 24h")
  .openapi({ example: "30s" });

const tlsCaSchema = z
  .string()
  .min(1)
  .max(MAX_CA_LENGTH)
  .refine((pem) => pemCertificates(pem).length > 0, "must hold at least one PEM certificate")
  .refine((pem) => pemCertificates(pem).every(isCertificate), "holds a certificate that cannot be read")
  .refine((pem) => !pem.includes("PRIVATE KEY"), "must not hold a private key");

function pemCertificates(text: string): string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

const defaultHeadersSchema = z
  .record(
    headerNameSchema.refine(
      (name) => !AUTH_CLASS_HEADERS.has(canonicalHeaderName(name)) && canonicalHeaderName(name) !== "cookie",
      "is a credential's header: it belongs in auth",
    ),
    headerValueSchema,
  )
  .refine(
    (headers) => Object.keys(headers).length <= MAX_DEFAULT_HEADERS,
    `must hold at most ${MAX_DEFAULT_HEADERS}`,
  )
  .refine((headers) => namesAreDistinct(Object.keys(headers)), "names one header twice");

const settings = {
  name: serviceNameSchema,
  base_url: z.string().max(2048).default("").openapi({
    description: "Required for types that HTTP calls are for; not kept for others.",
    example: "https://api.example.com/v1",
  }),
  description: z
    .string()
    .max(500)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, "must not hold control characters")
    .optional(),
  tls_skip_verify: z.boolean().default(false),
  session_cookies: z.boolean().default(false).openapi({
    description: "Whether the upstream's cookies are kept, in memory, and sent on later calls by any token.",
  }),
  allow_private: z.boolean().default(false),
  tls_ca: tlsCaSchema.optional().openapi({ description: "PEM certificates trusted for this service." }),
  headers: defaultHeadersSchema
    .optional()
    .openapi({ description: "Sent when the caller sent none of that name; no credentials." }),
  forward_cookies: z.boolean().default(false).openapi({
    description: "Whether a caller's own `Cookie` is passed on. Not together with `session_cookies`.",
  }),
  scrub: z.enum(["on", "off"]).optional().openapi({
    description: "Whether the service's secrets are overwritten where they stand in an answer. Default on.",
  }),
  connect_timeout: timeoutSchema.optional(),
  response_timeout: timeoutSchema.optional(),
  idle_timeout: timeoutSchema.optional(),
  max_request_bytes: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional().openapi({
    description: "Largest request body in bytes; 0 for none. Default 10 MiB.",
  }),
  ...sessionSettings,
};

const [firstAuth, ...otherAuths] = AUTH_STRATEGIES.map((strategy) => strategy.schema);
/** `POST /services`: a whole service. */
export const serviceDefinitionSchema = z
  .strictObject({ ...settings, auth: z.discriminatedUnion("type", authUnion(firstAuth, otherAuths)) })
  .openapi("ServiceDefinition");

const [firstUpdate, ...otherUpdates] = AUTH_STRATEGIES.map(({ schema, secretFields }): z.ZodObject => {
  const optional: ReadonlySet<string> = new Set(secretFields);
  const fields: Record<string, z.ZodType> = {};
  for (const [name, field] of Object.entries<z.ZodType>(schema.shape)) {
    fields[name] = optional.has(name) ? z.optional(field) : field;
  }
  return z.strictObject(fields);
});
/** `PUT /services/{name}`: as for POST, but `name` is the path's and omitted secrets are the stored ones. */
export const serviceUpdateSchema = z
  .strictObject({
    ...settings,
    name: settings.name.optional(),
    auth: z.discriminatedUnion("type", authUnion(firstUpdate, otherUpdates)),
  })
  .openapi("ServiceUpdate");

const patchedSettings = Object.fromEntries(
  Object.entries<z.ZodType>(settings).map(([name, field]) => [name, z.nullable(z.optional(field))]),
);
const patchedAuth = Object.fromEntries(
  AUTH_STRATEGIES.flatMap(({ schema }) => Object.keys(schema.shape)).map((name) => [
    name,
    z.unknown().optional(),
  ]),
);
/** `PATCH /services/{name}`: the names of what changes. What becomes of it is checked as a new service would be. */
export const servicePatchSchema = z.strictObject({
  ...patchedSettings,
  auth: z
    .strictObject({ ...patchedAuth, type: z.string().optional() })
    .optional()
    .openapi({ description: "Fields of the service's auth type; of another type all that it wants." }),
});

function authUnion(first: z.ZodObject | undefined, others: z.ZodObject[]): [z.ZodObject, ...z.ZodObject[]] {
  if (first === undefined) throw new Error("no auth strategy is registered");
  return [first, ...others];
}

export type ParsedServiceDefinition = z.output<typeof serviceDefinitionSchema>;
type ParsedSettings = z.output<z.ZodObject<typeof settings>>;

/** The configuration of a credential. Its fields belong to its strategy, which alone reads them. */
export interface AuthConfig {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** A service as the vault keeps it: validated, its secrets wrapped in {@link Secret}. Immutable. */
export interface ServiceRecord extends Readonly<Omit<ParsedSettings, "headers">> {
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly auth: AuthConfig;
  /** It came from another server and was not validated, because this version does not take it. */
  readonly unchecked?: boolean | undefined;
}

/**
 * Validates what must hold between fields, and gives the record.
 * @throws VaultProxyError `invalid_request` that names the field.
 */
export function toServiceRecord(definition: ParsedServiceDefinition): ServiceRecord {
  const record: ServiceRecord = { ...definition, auth: definition.auth as AuthConfig };
  const { session, ssh } = strategyOf(record);
  if (session !== undefined) return toSessionRecord(record, session);
  refuseSessionSettings(record);
  if (ssh !== undefined) return toSshRecord(record, ssh);
  if (record.base_url === "") throw new VaultProxyError("invalid_request", "base_url: is required");
  parseBaseUrl(record.base_url, { allowInsecure: allowsInsecure(record) });
  if (record.auth.type !== "url" && record.base_url.includes("{token}")) {
    throw new VaultProxyError("invalid_request", "base_url: {token} is for auth type url only");
  }
  if (record.session_cookies && record.forward_cookies) {
    throw new VaultProxyError(
      "invalid_request",
      "session_cookies: cannot be used together with forward_cookies",
    );
  }
  checkAuth(record);
  const { headerNames } = createInjector(record, NO_TOKEN);
  for (const name of Object.keys(record.headers ?? {})) {
    if (headerNames.has(canonicalHeaderName(name))) {
      throw new VaultProxyError("invalid_request", `headers.${name}: is injected by auth already`);
    }
  }
  return record;
}

function toSessionRecord(record: ServiceRecord, session: SessionUse<AuthConfig>): ServiceRecord {
  refuseHttpSettings(record);
  checkAuth(record);
  assertServer(`${session.protocol}_host`, session.server(record.auth).host, record.allow_private);
  return { ...record, base_url: "" };
}

function toSshRecord(record: ServiceRecord, ssh: SshUse<AuthConfig>): ServiceRecord {
  refuseHttpSettings(record);
  refuseTlsSettings(record);
  checkAuth(record);
  assertServer("ssh_host", ssh.access(record.auth).host, record.allow_private);
  return { ...record, base_url: "" };
}

function checkAuth(record: ServiceRecord): void {
  strategyOf(record).check?.(record.auth, { base_url: record.base_url, destination: destinationOf(record) });
}

/** @returns undefined for a service that HTTP calls are for, or of a type that this version does not know */
export function sessionUseOf(record: ServiceRecord): SessionUse<AuthConfig> | undefined {
  return findStrategy(record)?.session;
}

/** @returns undefined for a service that is not reached by SSH, or of a type that this version does not know */
export function sshUseOf(record: ServiceRecord): SshUse<AuthConfig> | undefined {
  return findStrategy(record)?.ssh;
}

/** Where there is no access token: with a credential that does not expire, or before there is a service. */
export const NO_TOKEN: AccessTokenSource = {
  current() {
    throw new VaultProxyError("internal", "no token is given here");
  },
  replace: () => Promise.resolve(undefined),
  searched: () => [],
};

/**
 * The definition with what stands in the stored files that it names.
 * @throws VaultProxyError `invalid_request` naming the field.
 */
export async function readDefinitionFiles(
  definition: ParsedServiceDefinition,
  readFile: ReadFile,
): Promise<ParsedServiceDefinition> {
  const strategy = AUTH_STRATEGIES.find(({ type }) => type === definition.auth.type);
  // The definition was parsed by this strategy's own schema.
  const { readFiles } = (strategy ?? {}) as Partial<AuthStrategy<AuthConfig>>;
  if (readFiles === undefined) return definition;
  return { ...definition, auth: await readFiles(definition.auth as AuthConfig, readFile) };
}

/** @returns undefined for a record of a newer version's auth type */
function findStrategy(record: ServiceRecord): AuthStrategy<AuthConfig> | undefined {
  const strategy = AUTH_STRATEGIES.find((candidate) => candidate.type === record.auth.type);
  // The record was made by this strategy's own schema, so its `auth` is this strategy's Config.
  return strategy as unknown as AuthStrategy<AuthConfig> | undefined;
}

/** @throws VaultProxyError `not_implemented` for a record of a newer version's auth type. */
function strategyOf(record: ServiceRecord): AuthStrategy<AuthConfig> {
  const strategy = findStrategy(record);
  if (strategy === undefined) {
    throw new VaultProxyError(
      "not_implemented",
      `auth type ${record.auth.type} is not known to this version`,
    );
  }
  return strategy;
}

/** @param token the service's access token, which credentials that do not expire do without */
export function createInjector(record: ServiceRecord, token = NO_TOKEN): CredentialInjector {
  return strategyOf(record).createInjector(record.auth, token);
}

/** @returns undefined for a credential that does not expire, or of a type that this version does not know */
export function renewalOf(record: ServiceRecord): Renewal<AuthConfig> | undefined {
  return findStrategy(record)?.renewal;
}

export function secretsOf(record: ServiceRecord): readonly Secret[] {
  return strategyOf(record).secrets(record.auth);
}

/** What must not come back in an answer: secrets, and what is made of them. */
export function searchedSecretsOf(record: ServiceRecord): readonly SearchedSecret[] {
  const strategy = strategyOf(record);
  return strategy.searched?.(record.auth) ?? strategy.secrets(record.auth).map((secret) => ({ secret }));
}

/** The same for any record, also of a type that this version does not know, and one that it cannot use. */
export function knownSecretsOf(record: ServiceRecord): readonly SearchedSecret[] {
  return findStrategy(record) === undefined || record.unchecked === true ? [] : searchedSecretsOf(record);
}

/** The base URL of a service that was not validated: user name, password, query and fragment may be secrets. */
function withoutCredentials(baseUrl: string): string {
  const [, scheme = "", authority = "", path = ""] = /^([a-z]+):\/\/([^/?#]*)([^?#]*)/i.exec(baseUrl) ?? [];
  return scheme === "" ? "" : `${scheme}://${authority.slice(authority.lastIndexOf("@") + 1)}${path}`;
}

/** What an admin should know of a service just stored; none of it is a secret. */
export function warningsOf(record: ServiceRecord): readonly string[] {
  const strategy = strategyOf(record);
  const isHttp = strategy.session === undefined && strategy.ssh === undefined;
  const scrubbing = isHttp ? scrubbingWarningsOf(record) : [];
  return [...(strategy.warnings?.(record.auth) ?? []), ...scrubbing];
}

function scrubbingWarningsOf(record: ServiceRecord): readonly string[] {
  if (record.scrub === "off") return [];
  const isShort = searchedSecretsOf(record).some(
    ({ secret, forms }) => forms !== "base64" && !secret.isEmpty && !isSearchable(secret.reveal()),
  );
  return isShort ? ["a secret under 8 characters is not searched for in answers"] : [];
}

/** A placeholder, such as a row of `x`, is no secret, and stands in innocent requests. */
const FEWEST_DISTINCT_CHARACTERS = 8;

/** What must not be sent to any other service. Nothing of a service that this version cannot use. */
export function generatedSecretsOf(record: ServiceRecord): readonly Secret[] {
  const strategy = findStrategy(record);
  if (strategy === undefined || record.unchecked === true) return [];
  const secrets = strategy.generated?.(record.auth) ?? strategy.secrets(record.auth);
  return secrets.filter((secret) => new Set(secret.reveal()).size >= FEWEST_DISTINCT_CHARACTERS);
}

/**
 * Names of the `auth` fields whose stored secrets a `PUT` keeps: those that it gives in no way, neither themselves nor
 * by a file.
 * @param auth the body's
 */
export function keptSecretFieldsOf(record: ServiceRecord, auth: AuthConfig): readonly string[] {
  const { type, secretFields, secretFiles = {} } = strategyOf(record);
  if (auth.type !== type) return [];
  return secretFields.filter((field) => {
    const file = secretFiles[field];
    return auth[field] === undefined && (file === undefined || auth[file] === undefined);
  });
}

export function describeService(record: ServiceRecord): ServiceInfo {
  const { name, base_url, tls_skip_verify, session_cookies, allow_private } = record;
  const info: ServiceInfo = {
    name,
    ...(base_url === "" ? {} : { base_url }),
    auth_type: record.auth.type,
    tls_skip_verify,
    session_cookies,
    allow_private,
  };
  if (record.description !== undefined) info.description = record.description;
  if (record.forward_cookies) info.forward_cookies = true;
  if (record.scrub === "off") info.scrub = "off";
  if (record.headers !== undefined) info.headers = { ...record.headers };
  if (record.connect_timeout !== undefined) info.connect_timeout = record.connect_timeout;
  if (record.response_timeout !== undefined) info.response_timeout = record.response_timeout;
  if (record.idle_timeout !== undefined) info.idle_timeout = record.idle_timeout;
  if (record.max_request_bytes !== undefined) info.max_request_bytes = record.max_request_bytes;
  Object.assign(info, describeSessionSettings(record));
  // Of a service that was not validated the strategy's own part may be of any shape.
  if (record.unchecked === true) return { ...info, base_url: withoutCredentials(base_url) };
  return { ...info, ...findStrategy(record)?.describe(record.auth) };
}
