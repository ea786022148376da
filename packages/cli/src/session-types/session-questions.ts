import type { SessionProtocol } from "@vault-proxy/client";

import type { CommandContext } from "../command-context.js";
import { hostAndPortProblem } from "../host-and-port.js";
import { askChoice, askText } from "../prompt.js";
import { askAllowance, isThisMachine } from "../this-machine.js";
import { readSessionFlags, SESSION_TYPES, takesToken } from "./registry.js";
import type { SessionTypeFlags } from "./session-type.js";

/** What is asked: it may turn out that the server is this machine itself. */
export interface AskedSessionFlags extends SessionTypeFlags {
  readonly allowPrivate?: boolean | undefined;
}

/** Asks for what was not given, and has no default that suits nearly everyone. */
export async function askSessionFlags(
  context: CommandContext,
  type: SessionProtocol,
  given: AskedSessionFlags,
): Promise<AskedSessionFlags> {
  const { needsUser, database, tls, tokenAuth } = SESSION_TYPES[type];
  let flags = await withHost(context, type, given);
  if (flags.tls === undefined) {
    const choices = Object.entries(tls).map(([value, meaning]) => ({ value, label: `${value}: ${meaning}` }));
    flags = { ...flags, tls: await askChoice(context, "TLS", choices) };
  }
  if (flags.user === undefined) {
    const user = await askText(context, needsUser ? "User" : "ACL user, or nothing", optional(needsUser));
    flags = { ...flags, user: user === "" ? undefined : user };
  }
  if (flags.database === undefined && database === "name") {
    const name = await askText(context, `Database, or nothing for ${flags.user ?? ""}`);
    flags = { ...flags, database: name === "" ? undefined : name };
  }
  if (flags.auth === undefined && tokenAuth.length > 0 && (await askCredential(context)) === "token") {
    flags = { ...flags, auth: tokenAuth[0] };
  }
  if (takesToken(type, flags) && flags.oauthService === undefined) {
    const question = "Name of the service that has the access token";
    flags = { ...flags, oauthService: await askText(context, question, needed) };
  }
  return flags;
}

/** Until it is a host that the vault may connect to. */
async function withHost(
  context: CommandContext,
  type: SessionProtocol,
  given: AskedSessionFlags,
): Promise<AskedSessionFlags> {
  for (let asked = given.host; ; asked = undefined) {
    const host = asked ?? (await askText(context, "Host, or host:port", hostAndPortProblem)).trim();
    const flags: AskedSessionFlags = { ...given, ...readSessionFlags(type, { ...given, host }) };
    if (flags.allowPrivate !== undefined || !isThisMachine(flags.host ?? "")) return flags;
    if (await askAllowance(context, "May sessions connect to it?")) return { ...flags, allowPrivate: true };
  }
}

function askCredential(context: CommandContext): Promise<"password" | "token"> {
  return askChoice(context, "What does it log in with?", [
    { value: "password", label: "a password" },
    { value: "token", label: "the access token of an OAuth2 service, as Gmail and Outlook want it" },
  ]);
}

function needed(value: string): string | undefined {
  return value.trim() === "" ? "needed" : undefined;
}

function optional(isNeeded: boolean): (value: string) => string | undefined {
  return isNeeded ? needed : () => undefined;
}
