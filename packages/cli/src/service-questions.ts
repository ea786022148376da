import type { CommandContext } from "./command-context.js";
import {
  defaultBaseUrl,
  isExpiringAuthType,
  missingFlags,
  type ExpiringAuthFlags,
  type ExpiringAuthType,
} from "./expiring-auth/registry.js";
import { UsageError } from "./failures.js";
import { askApiPlace, askHeaderNames, namesIn } from "./field-questions.js";
import { refuseUselessFlags, suits } from "./flag-uses.js";
import { askChoice, askText, canAsk } from "./prompt.js";
import { AUTH_TYPES, type AuthType, type ServiceFlags } from "./service-definition.js";
import { serviceNameProblem } from "./service-name.js";
import { isSessionType, missingSessionFlags, readSessionFlags } from "./session-types/registry.js";
import { askSessionFlags } from "./session-types/session-questions.js";
import { askSshFlags } from "./ssh/ssh-questions.js";
import { missingSshFlags, readSshFlags } from "./ssh/ssh-service.js";

export interface CompleteFlags extends ServiceFlags {
  readonly name: string;
  readonly type: AuthType;
}

/** Asks on a terminal for what the command line left out; without one, says what is missing. */
export async function completeFlags(
  context: CommandContext,
  name: string | undefined,
  flags: ServiceFlags,
): Promise<CompleteFlags> {
  if (flags.type !== undefined) refuseUselessFlags(flags.type, flags);
  if (!canAsk(context)) return requireFlags(name, flags);
  const named = {
    ...flags,
    name: name ?? (await askText(context, "Name of the service", serviceNameProblem)),
    type: flags.type ?? (await askType(context, flags)),
  };
  if (named.type === "ssh_key") return { ...named, ...(await askSshFlags(context, named)) };
  if (isSessionType(named.type)) return { ...named, ...(await askSessionFlags(context, named.type, named)) };
  const baseUrl = knownBaseUrl(named);
  const place =
    baseUrl === undefined ? await askApiPlace(context, named.type, named.allowPrivate) : { baseUrl };
  const given = { ...named, ...place };
  if (isExpiringAuthType(given.type)) return { ...given, ...(await askMissing(context, given.type, given)) };
  if ((given.type === "header" || given.type === "headers") && given.headerName === undefined) {
    return { ...given, headerName: await askHeaderNames(context, given.type) };
  }
  if (given.type === "query" && given.paramName === undefined) {
    return { ...given, paramName: namesIn(await askText(context, "Names of the parameters", required)) };
  }
  return given;
}

async function askMissing(
  context: CommandContext,
  type: ExpiringAuthType,
  flags: ServiceFlags,
): Promise<ExpiringAuthFlags> {
  const answers: [string, string][] = [];
  for (const { flag, question } of missingFlags(type, flags)) {
    answers.push([flag, (await askText(context, question, required)).trim()]);
  }
  return Object.fromEntries(answers);
}

/** That of the flags, or where all services of the type are; undefined where it must be asked for. */
export function knownBaseUrl({ baseUrl, type, ...flags }: ServiceFlags): string | undefined {
  if (baseUrl !== undefined || type === undefined || !isExpiringAuthType(type)) return baseUrl;
  return defaultBaseUrl(type, flags);
}

function requireFlags(name: string | undefined, flags: ServiceFlags): CompleteFlags {
  const { type } = flags;
  const server = type === undefined ? undefined : serverFlags(type, flags);
  const complete = { ...flags, ...server, baseUrl: knownBaseUrl(flags) };
  const missing = [
    ...(name === undefined ? ["a name"] : []),
    ...(server === undefined && flags.host === undefined && complete.baseUrl === undefined
      ? ["--base-url"]
      : []),
    ...(type === undefined ? ["--type"] : missingOptions(type, complete)),
  ];
  if (name === undefined || type === undefined || missing.length > 0) {
    throw new UsageError(`missing: ${missing.join(", ")}`, "give them, or a whole service as --from-json");
  }
  return { ...complete, name, type };
}

/** Of types that have a host in place of a base URL. */
function serverFlags(type: AuthType, flags: ServiceFlags): ServiceFlags | undefined {
  if (type === "ssh_key") return readSshFlags(flags);
  return isSessionType(type) ? readSessionFlags(type, flags) : undefined;
}

function missingOptions(type: AuthType, flags: ServiceFlags): readonly string[] {
  if (type === "ssh_key") return missingSshFlags(flags);
  if (isSessionType(type)) return missingSessionFlags(type, flags);
  return isExpiringAuthType(type) ? missingFlags(type, flags).map(({ option }) => option) : [];
}

/** Of the types that the given flags are for. */
async function askType(context: CommandContext, flags: ServiceFlags): Promise<AuthType> {
  const types = (Object.keys(AUTH_TYPES) as AuthType[]).filter((type) => suits(type, flags));
  if (types.length === 0) throw new UsageError("there is no type that all of these flags are for");
  return askChoice(
    context,
    "What is it, and where does its credential go?",
    types.map((value) => ({ value, label: `${value}: ${AUTH_TYPES[value]}` })),
  );
}

function required(value: string): string | undefined {
  return value.trim() === "" ? "needed" : undefined;
}
