import type { AuthDefinition, SessionProtocol } from "@vault-proxy/client";
import type { Command } from "commander";

import { UsageError } from "../failures.js";
import { hostAndPort, portNumber } from "../host-and-port.js";
import { imap } from "./imap.js";
import { postgres } from "./postgres.js";
import { redis } from "./redis.js";
import type { SessionType, SessionTypeFlags } from "./session-type.js";
import { smtp } from "./smtp.js";

/** The kinds of servers that sessions log in to. */
export const SESSION_TYPES: Readonly<Record<SessionProtocol, SessionType>> = { imap, smtp, redis, postgres };

export function isSessionType(type: string): type is SessionProtocol {
  return Object.hasOwn(SESSION_TYPES, type);
}

export function addSessionTypeOptions(command: Command): void {
  command
    .optionsGroup("For imap, smtp, redis and postgres:")
    .option("--host <host>", "name or address of the server, or host:port")
    .option("--port <port>", "default: as the type and TLS have it", portNumber)
    .option("--user <name>", "who logs in; for redis an ACL user")
    .option("--database <name>", "for postgres a name, for redis a number")
    .option("--tls <how>", `${choicesOf((type) => Object.keys(type.tls))} (default: the first of each)`)
    .option(
      "--auth <mechanism>",
      choicesOf(({ auth }) => auth),
    )
    .option("--oauth-service <name>", "log in with the access token of this service: no password");
}

/**
 * The flags with what they say between the lines: a port in the host, TLS by the port, a mechanism by `--oauth-service`.
 * @throws UsageError that names the flag whose value the type does not take
 */
export function readSessionFlags(type: SessionProtocol, flags: SessionTypeFlags): SessionTypeFlags {
  const { tls, tlsOfPort, auth, tokenAuth, database } = SESSION_TYPES[type];
  const place = hostAndPort(flags);
  const mechanism = flags.auth ?? (flags.oauthService === undefined ? undefined : tokenAuth[0]);
  const security = flags.tls ?? (place.port === undefined ? undefined : tlsOfPort[place.port]);
  refuseOther("--tls", type, security, Object.keys(tls));
  refuseOther("--auth", type, mechanism, auth);
  if (flags.oauthService !== undefined && !tokenAuth.includes(mechanism ?? "")) {
    throw new UsageError(`--oauth-service is for --auth ${tokenAuth.join(" and ")}`);
  }
  if (database === "number" && !/^\d{1,10}$/.test(flags.database ?? "0")) {
    throw new UsageError(`--database takes a number for --type ${type}`);
  }
  return { ...flags, ...place, tls: security, auth: mechanism };
}

/** Whether an access token of another service logs in. */
export function takesToken(type: SessionProtocol, { auth }: SessionTypeFlags): boolean {
  return auth !== undefined && SESSION_TYPES[type].tokenAuth.includes(auth);
}

/** The options that the type cannot do without, as the user writes them. */
export function missingSessionFlags(type: SessionProtocol, flags: SessionTypeFlags): readonly string[] {
  return [
    ...(flags.host === undefined ? ["--host"] : []),
    ...(flags.user === undefined && SESSION_TYPES[type].needsUser ? ["--user"] : []),
    ...(takesToken(type, flags) && flags.oauthService === undefined ? ["--oauth-service"] : []),
  ];
}

/** @param flags as {@link readSessionFlags} gives them */
export function sessionAuth(
  type: SessionProtocol,
  flags: SessionTypeFlags,
  [password]: readonly string[],
): AuthDefinition {
  return SESSION_TYPES[type].define(flags, password);
}

function refuseOther(
  option: string,
  type: SessionProtocol,
  value: string | undefined,
  known: readonly string[],
): void {
  if (value === undefined || known.includes(value)) return;
  throw new UsageError(`${option} is ${listOf(known)} for --type ${type}`);
}

function listOf(words: readonly string[]): string {
  return words.length === 1 ? words.join() : `${words.slice(0, -1).join(", ")} or ${words.at(-1) ?? ""}`;
}

function choicesOf(choices: (type: SessionType) => readonly string[]): string {
  return Object.entries(SESSION_TYPES)
    .filter(([, type]) => choices(type).length > 0)
    .map(([name, type]) => `${name}: ${choices(type).join(", ")}`)
    .join("; ");
}
