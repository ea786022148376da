import type { AuthDefinition, ServiceDefinition } from "@vault-proxy/client";

import { UsageError } from "./failures.js";

/** The auth types that `service add` knows by flags; every other one goes in as JSON. */
export const AUTH_TYPES = {
  bearer: "Authorization: Bearer <token>",
  header: "one header, such as x-api-key",
  headers: "several headers",
  basic: "user name and password",
  url: "a token in the URL, at {token} in the base URL",
  query: "query parameters",
} as const;

export type AuthType = keyof typeof AUTH_TYPES;

/** What of a service the command line names: nothing of it is secret. */
export interface ServiceFlags {
  readonly baseUrl?: string | undefined;
  readonly type?: AuthType | undefined;
  readonly headerName?: readonly string[] | undefined;
  readonly paramName?: readonly string[] | undefined;
  readonly username?: string | undefined;
  readonly header?: readonly string[] | undefined;
  readonly description?: string | undefined;
  readonly allowPrivate?: boolean | undefined;
  readonly tlsSkipVerify?: boolean | undefined;
  readonly forwardCookies?: boolean | undefined;
  readonly sessionCookies?: boolean | undefined;
  readonly scrub?: boolean | undefined;
  readonly connectTimeout?: string | undefined;
  readonly responseTimeout?: string | undefined;
  readonly idleTimeout?: string | undefined;
  readonly maxRequestBytes?: string | undefined;
}

/** What must be asked for or read, in order; each is one line of a secret file. */
export function secretLabels(type: AuthType, flags: ServiceFlags): string[] {
  switch (type) {
    case "bearer":
    case "url":
      return ["Token"];
    case "basic":
      return flags.username === undefined ? ["User name", "Password"] : ["Password"];
    case "header":
    case "headers":
      return headerNames(type, flags).map((name) => `Value of ${name}`);
    case "query":
      return paramNames(flags).map((name) => `Value of ${name}`);
  }
}

/** @param values one for each of {@link secretLabels}; a basic password may be missing, since many APIs have none */
export function authDefinition(
  type: AuthType,
  flags: ServiceFlags,
  values: readonly string[],
): AuthDefinition {
  const labels = secretLabels(type, flags);
  const given = type === "basic" ? [...values, ...labels.slice(values.length).map(() => "")] : values;
  if (given.length !== labels.length) {
    throw new UsageError(
      `the secret has ${values.length} lines, but ${labels.length} are needed`,
      `one line each, in this order: ${labels.join(", ")}`,
    );
  }
  const empty = type === "basic" ? undefined : labels[given.indexOf("")];
  if (empty !== undefined) throw new UsageError(`no secret was given for: ${empty}`);
  const [first = "", second = ""] = given;
  switch (type) {
    case "bearer":
    case "url":
      return { type, token: first };
    case "basic":
      return flags.username === undefined
        ? { type, username: first, password: second }
        : { type, username: flags.username, password: first };
    case "header":
      return { type, header_name: headerNames(type, flags)[0] ?? "", header_value: first };
    case "headers":
      return { type, headers: pairUp(headerNames(type, flags), given) };
    case "query":
      return { type, params: pairUp(paramNames(flags), given) };
  }
}

/** @param tlsCa text of the file that `--tls-ca` names */
export function serviceDefinition(
  name: string,
  baseUrl: string,
  auth: AuthDefinition,
  flags: ServiceFlags,
  tlsCa: string | undefined,
): ServiceDefinition {
  return {
    name,
    base_url: baseUrl,
    auth,
    description: flags.description,
    headers: flags.header === undefined ? undefined : Object.fromEntries(flags.header.map(headerLine)),
    allow_private: flags.allowPrivate,
    tls_ca: tlsCa,
    tls_skip_verify: flags.tlsSkipVerify,
    forward_cookies: flags.forwardCookies,
    session_cookies: flags.sessionCookies,
    scrub: flags.scrub === false ? "off" : undefined,
    connect_timeout: flags.connectTimeout,
    response_timeout: flags.responseTimeout,
    idle_timeout: flags.idleTimeout,
    max_request_bytes: flags.maxRequestBytes === undefined ? undefined : byteCount(flags.maxRequestBytes),
  };
}

function headerNames(type: "header" | "headers", flags: ServiceFlags): readonly string[] {
  const names = flags.headerName ?? [];
  if (names.length === 0) throw new UsageError(`--type ${type} needs --header-name`);
  if (type === "header" && names.length > 1)
    throw new UsageError("--type header takes one --header-name", "use headers");
  return names;
}

function paramNames(flags: ServiceFlags): readonly string[] {
  const names = flags.paramName ?? [];
  if (names.length === 0) throw new UsageError("--type query needs --param-name");
  return names;
}

function pairUp(names: readonly string[], values: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name, index) => [name, values[index] ?? ""]));
}

function headerLine(line: string): [string, string] {
  const colon = line.indexOf(":");
  if (colon <= 0) throw new UsageError("--header takes a header line", "write --header 'Name: value'");
  return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
}

function byteCount(text: string): number {
  if (!/^\d{1,15}$/.test(text))
    throw new UsageError("--max-request-bytes takes a number of bytes, 0 for no limit");
  return Number(text);
}
