import { InvalidArgumentError } from "commander";

import { UsageError } from "./failures.js";

export interface HostAndPort {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
}

const MAX_PORT = 65_535;

/**
 * A host without brackets, and the port that may stand behind it.
 * @throws UsageError for two different ports, or for what is none
 */
export function hostAndPort({ host, port }: HostAndPort): HostAndPort {
  // RFC 3986 §3.2.2: an IPv6 address has a port behind its brackets only.
  const [, name, digits] = /^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(host ?? "") ?? [];
  if (name === undefined || digits === undefined) {
    // More than one colon is an IPv6 address, without brackets.
    const [, wrongPort] = /^(?:\[[^\]]*\]|[^:[]*):([^:]*)$/.exec(host ?? "") ?? [];
    if (wrongPort !== undefined) throw noPort(wrongPort);
    return { host: withoutBrackets(host), port };
  }
  if (port !== undefined && port !== Number(digits)) throw new UsageError("two different ports were given");
  if (Number(digits) < 1 || Number(digits) > MAX_PORT) throw noPort(digits);
  return { host: withoutBrackets(name), port: Number(digits) };
}

/** For a question: what is wrong with an answer. */
export function hostAndPortProblem(text: string): string | undefined {
  if (text.trim() === "") return "needed";
  try {
    hostAndPort({ host: text.trim() });
    return undefined;
  } catch (error) {
    return error instanceof UsageError ? `${error.message}: ${error.hint ?? ""}` : "not a host";
  }
}

/** The value of an option that names a port. */
export function portNumber(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text) || Number(text) > MAX_PORT) {
    throw new InvalidArgumentError("It takes a number from 1 to 65535.");
  }
  return Number(text);
}

function noPort(text: string): UsageError {
  return new UsageError(`"${text}" is no port`, `write host:port with a number from 1 to ${MAX_PORT}`);
}

function withoutBrackets(host: string | undefined): string | undefined {
  return host?.replace(/^\[(.*)\]$/, "$1");
}
