import type { CommandContext } from "./command-context.js";
import {
  defaultBaseUrl,
  isExpiringAuthType,
  missingFlags,
  type ExpiringAuthFlags,
  type ExpiringAuthType,
} from "./expiring-auth/registry.js";
import { UsageError } from "./failures.js";
import { askChoice, askText, canAsk } from "./prompt.js";
import { AUTH_TYPES, type AuthType, type ServiceFlags } from "./service-definition.js";

export interface CompleteFlags extends ServiceFlags {
  readonly name: string;
  readonly baseUrl: string;
  readonly type: AuthType;
}

/** Asks on a terminal for what the command line left out; without one, says what is missing. */
export async function completeFlags(
  context: CommandContext,
  name: string | undefined,
  flags: ServiceFlags,
): Promise<CompleteFlags> {
  if (!canAsk(context)) return requireFlags(name, flags);
  const wrong = name === undefined ? undefined : serviceName(name);
  if (wrong !== undefined) throw new UsageError(`"${name}" cannot be the name of a service: ${wrong}`);
  const given = {
    ...flags,
    name: name ?? (await askText(context, "Name of the service", serviceName)),
    baseUrl:
      knownBaseUrl(flags) ?? (await askText(context, "Base URL, such as https://api.openai.com", required)),
    type: flags.type ?? (await askChoice(context, "Where does the credential go?", authChoices())),
  };
  if (isExpiringAuthType(given.type)) return { ...given, ...(await askMissing(context, given.type, given)) };
  if ((given.type === "header" || given.type === "headers") && given.headerName === undefined) {
    return { ...given, headerName: splitNames(await askText(context, headerQuestion(given.type), required)) };
  }
  if (given.type === "query" && given.paramName === undefined) {
    return { ...given, paramName: splitNames(await askText(context, "Names of the parameters", required)) };
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

function knownBaseUrl({ baseUrl, type, ...flags }: ServiceFlags): string | undefined {
  if (baseUrl !== undefined || type === undefined || !isExpiringAuthType(type)) return baseUrl;
  return defaultBaseUrl(type, flags);
}

function requireFlags(name: string | undefined, flags: ServiceFlags): CompleteFlags {
  const { type } = flags;
  const baseUrl = knownBaseUrl(flags);
  const options =
    type !== undefined && isExpiringAuthType(type)
      ? missingFlags(type, flags).map(({ option }) => option)
      : [];
  if (name === undefined || baseUrl === undefined || type === undefined || options.length > 0) {
    const missing = [
      ...(name === undefined ? ["a name"] : []),
      ...(baseUrl === undefined ? ["--base-url"] : []),
      ...(type === undefined ? ["--type"] : []),
      ...options,
    ];
    throw new UsageError(`missing: ${missing.join(", ")}`, "give them, or a whole service as --from-json");
  }
  return { ...flags, name, baseUrl, type };
}

function authChoices(): { value: AuthType; label: string }[] {
  return (Object.keys(AUTH_TYPES) as AuthType[]).map((value) => ({
    value,
    label: `${value}: ${AUTH_TYPES[value]}`,
  }));
}

function headerQuestion(type: "header" | "headers"): string {
  return type === "header" ? "Name of the header" : "Names of the headers, separated by spaces";
}

function splitNames(text: string): string[] {
  return text.split(/[\s,]+/).filter((name) => name !== "");
}

/** The server's rule, said before the other questions are answered in vain. */
function serviceName(value: string): string | undefined {
  return /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}$/.test(value)
    ? undefined
    : "1 to 128 letters, digits, dots, underscores and dashes, first a letter or digit";
}

function required(value: string): string | undefined {
  return value.trim() === "" ? "needed" : undefined;
}
