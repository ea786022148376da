import { readFile } from "node:fs/promises";
import type { ServiceSettings } from "@vault-proxy/client";
import type { Command } from "commander";

import { connectionCount } from "./connection-count.js";
import { fileFailure } from "./file-failure.js";
import { UsageError } from "./failures.js";
import { collect } from "./repeated-option.js";

/** What of a service's settings the command line names, beside its base URL. */
export interface SettingsFlags {
  readonly description?: string | undefined;
  readonly header?: readonly string[] | undefined;
  readonly allowPrivate?: boolean | undefined;
  /** A file. */
  readonly tlsCa?: string | undefined;
  readonly tlsSkipVerify?: boolean | undefined;
  readonly sessionCookies?: boolean | undefined;
  readonly forwardCookies?: boolean | undefined;
  /** False with --no-scrub. */
  readonly scrub?: boolean | undefined;
  readonly connectTimeout?: string | undefined;
  readonly responseTimeout?: string | undefined;
  readonly idleTimeout?: string | undefined;
  readonly maxRequestBytes?: string | undefined;
  readonly maxConnections?: number | undefined;
  readonly requirePassword?: boolean | undefined;
  readonly anyLocalUser?: boolean | undefined;
}

export function addSettingsOptions(command: Command): void {
  command
    .option("--description <text>", "what it is for")
    .option("--header <line>", "a constant header that is no secret, `Name: value`; may be repeated", collect)
    .option("--allow-private", "allow http and private addresses; for sessions: this machine's own")
    .option("--tls-ca <file>", "CA certificates (PEM) to trust for this service")
    .option("--tls-skip-verify", "check no certificate; http and private addresses are allowed")
    .option("--session-cookies", "keep the cookies that the API sets, and send them on later calls")
    .option("--forward-cookies", "pass on a caller's Cookie header")
    .option("--no-scrub", "do not overwrite the service's secrets where its answers hold them")
    .option("--connect-timeout <duration>", "until the API is connected, such as 5s (default: 10s)")
    .option("--response-timeout <duration>", "until the answer's headers, such as 60s (default: 300s)")
    .option(
      "--idle-timeout <duration>",
      "between two pieces of a body (default: 300s); of a session: without a byte either way (default: no limit)",
    )
    .option(
      "--max-request-bytes <size>",
      "limit of a request body, such as 100MB or 64KiB; 0 for none (default: 10MiB)",
    )
    .option(
      "--max-connections <number>",
      "of a session, at a time (default: 1, which is one in all)",
      connectionCount,
    )
    .option("--require-password", "clients of sessions must log in with the session's own password")
    .option("--any-local-user", "processes of other users of the machine may connect to sessions");
}

/** The text of the file that `--tls-ca` names. */
export async function readTlsCa({ tlsCa }: SettingsFlags): Promise<string | undefined> {
  if (tlsCa === undefined) return undefined;
  return readFile(tlsCa, "utf8").catch((error: unknown) => {
    throw fileFailure("read", tlsCa, error);
  });
}

/**
 * @param baseUrl undefined for services that sessions are for
 * @param tlsCa text of the file that `--tls-ca` names
 */
export function serviceSettings(
  baseUrl: string | undefined,
  flags: SettingsFlags,
  tlsCa: string | undefined,
): ServiceSettings {
  return {
    base_url: baseUrl,
    description: flags.description,
    headers: flags.header === undefined ? undefined : Object.fromEntries(flags.header.map(headerLine)),
    allow_private: flags.allowPrivate,
    tls_ca: tlsCa,
    tls_skip_verify: flags.tlsSkipVerify,
    session_cookies: flags.sessionCookies,
    forward_cookies: flags.forwardCookies,
    scrub: flags.scrub === false ? "off" : undefined,
    connect_timeout: flags.connectTimeout,
    response_timeout: flags.responseTimeout,
    idle_timeout: flags.idleTimeout,
    max_request_bytes: flags.maxRequestBytes === undefined ? undefined : byteCount(flags.maxRequestBytes),
    max_connections: flags.maxConnections,
    require_password: flags.requirePassword,
    any_local_user: flags.anyLocalUser,
  };
}

function headerLine(line: string): [string, string] {
  const colon = line.indexOf(":");
  if (colon <= 0) throw new UsageError("--header takes a header line", "write --header 'Name: value'");
  return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
}

/** Bytes of a unit: powers of 1000 as SI has them, of 1024 as IEC 80000-13 does; the server reads a policy's so too. */
const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
};

function byteCount(text: string): number {
  const [, digits, unit] = /^(\d{1,15}) ?((?:[KMG]i?)?B)?$/i.exec(text) ?? [];
  const bytes = Number(digits) * (UNITS[unit?.toUpperCase() ?? ""] ?? NaN);
  if (!Number.isSafeInteger(bytes)) {
    throw new UsageError("--max-request-bytes takes a size such as 100MB or 64KiB, or bytes; 0 for no limit");
  }
  return bytes;
}
